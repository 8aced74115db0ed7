import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { type ProcessOptions, startProcess, type TestProcess } from "./process.ts";

export interface SourceOptions extends Omit<ProcessOptions, "name" | "command" | "args"> {
  /** Default: the file's name. */
  name?: string;
  /** Options for Node itself, such as `--max-old-space-size=64`. */
  nodeArgs?: readonly string[];
}

/** Runs a TypeScript entry with the Node that runs this process, from the packages' sources. */
export function runSource(file: string | URL, args: readonly string[] = [], options: SourceOptions = {}): TestProcess {
  const path = typeof file === "string" ? file : fileURLToPath(file);
  const { name = basename(path), nodeArgs = [], ...rest } = options;
  return startProcess({
    ...rest,
    name,
    command: process.execPath,
    args: ["--conditions=@fleetwire/source", ...nodeArgs, path, ...args],
  });
}
