import { fileURLToPath } from "node:url";

/** Path of a module beside this one, given without its ending: source and build differ there. */
export function sourceFile(module: string): string {
  const ending = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
  return fileURLToPath(new URL(module + ending, import.meta.url));
}
