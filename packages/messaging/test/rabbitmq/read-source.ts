import { readFileSync } from "node:fs";

/** A file's text; its path is from the package. */
export function readSource(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
}

/** The texts of a union type that a file exports: TypeScript's types aren't there at run time. */
export function closedSet(path: string, name: string): string[] {
  const [, body = ""] = new RegExp(`export type ${name} =([^]*?);\n\n`).exec(readSource(path)) ?? [];
  return [...body.matchAll(/^ *\| "(\w+)"/gm)].map(([, text = ""]) => text);
}
