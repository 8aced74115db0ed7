import { StringDecoder } from "node:string_decoder";
import type { OutputStream } from "../api/follow.ts";
import type { Screen, Terminal } from "./terminal.ts";
import { visibleText } from "./visible.ts";

/** Writes a command's output: stdout to stdout, stderr to stderr. */
export interface OutputPrinter {
  /** Resolves when the data has left the process. */
  output(stream: OutputStream, data: Buffer): Promise<void>;
  /** Says on stderr that output is missing here. */
  gap(bytes: number): Promise<void>;
  end(): Promise<void>;
}

/**
 * To a pipe or a file bytes go as they came. A terminal gets text whose escapes and controls are made visible, unless
 * `raw`. `silent`: nothing is written.
 */
export function createOutputPrinter(terminal: Terminal, options: { raw: boolean; silent: boolean }): OutputPrinter {
  const writers = { stdout: createWriter(terminal.out, options.raw), stderr: createWriter(terminal.err, options.raw) };
  return {
    async output(stream, data) {
      if (!options.silent) await writers[stream].write(data);
    },
    gap: (bytes) => terminal.note(`fleetwire: ${bytes} bytes of output were not kept`),
    async end() {
      if (options.silent) return;
      await writers.stdout.end();
      await writers.stderr.end();
    },
  };
}

function createWriter(screen: Screen, raw: boolean): { write(data: Buffer): Promise<void>; end(): Promise<void> } {
  if (raw || !screen.isTerminal) return { write: (data) => screen.write(data), end: async () => undefined };
  const decoder = new StringDecoder("utf8");
  let held = "";
  return {
    write(data) {
      const text = held + decoder.write(data);
      // A CR may be the begin of CR LF that a piece cuts in two.
      held = text.endsWith("\r") ? "\r" : "";
      return screen.write(visibleText(held ? text.slice(0, -1) : text));
    },
    end: () => screen.write(visibleText(held + decoder.end())),
  };
}
