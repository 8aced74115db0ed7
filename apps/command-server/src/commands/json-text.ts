import type { Violation } from "@fleetwire/service";
import type { JsonObject, JsonValue } from "./command.ts";

/**
 * Finds what can't be stored or carried faithfully: NUL, lone surrogates, numbers beyond JSON's (1e400 reads as
 * infinity), `__proto__` keys, and nesting deeper than `maxDepth`. Null where all is well.
 */
export function findUnstorable(value: unknown, path: string, maxDepth: number): Violation | null {
  if (typeof value === "string") return textProblem(value, path);
  if (typeof value === "number") {
    return Number.isFinite(value) ? null : { path, message: "is not a number that JSON can carry" };
  }
  if (typeof value !== "object" || value === null) return null;
  if (maxDepth === 0) return { path, message: "is nested too deeply" };
  for (const [key, item] of Object.entries(value)) {
    const at = `${path}/${escapePointer(key)}`;
    if (key === "__proto__") return { path: at, message: "is not a name that can be used" };
    const found = textProblem(key, path) ?? findUnstorable(item, at, maxDepth - 1);
    if (found) return found;
  }
  return null;
}

function textProblem(text: string, path: string): Violation | null {
  if (text.includes("\0")) return { path, message: "contains a NUL character" };
  return text.isWellFormed() ? null : { path, message: "contains half of a surrogate pair" };
}

function escapePointer(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1").slice(0, 64).toWellFormed();
}

/** JSON with the keys of every object in code-unit order: equal values have equal texts. */
export function canonicalJson(value: JsonValue): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`);
  return `{${members.join(",")}}`;
}

/** How many values there are in a JSON value, itself included. */
export function countValues(value: JsonValue): number {
  if (typeof value !== "object" || value === null) return 1;
  let count = 1;
  for (const item of Array.isArray(value) ? value : Object.values(value)) count += countValues(item);
  return count;
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
