import { InvalidArgumentError } from "commander";
import { fieldsOf } from "../fields.ts";

export type ParamsInput = Record<string, unknown>;

/**
 * Parameters of one `--params`, added to those before it: a JSON object, or `key=value[,key=value…]` with texts as
 * values. A value that holds a comma is written as JSON, or alone in a `--params` whose commas aren't followed by
 * another `key=`. Throws InvalidArgumentError.
 */
export function mergeParams(text: string, before: ParamsInput | undefined): ParamsInput {
  // No prototype: "__proto__=x" is a parameter like any other.
  const merged: ParamsInput = Object.assign({ __proto__: null }, before);
  for (const [name, value] of text.trimStart().startsWith("{") ? jsonEntries(text) : textEntries(text)) {
    if (Object.hasOwn(merged, name)) throw new InvalidArgumentError(`The parameter "${name}" is given twice.`);
    Object.defineProperty(merged, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return merged;
}

function jsonEntries(text: string): [string, unknown][] {
  try {
    return Object.entries(fieldsOf(JSON.parse(text)));
  } catch (cause) {
    throw new InvalidArgumentError(`It begins like JSON and isn't: ${cause instanceof Error ? cause.message : ""}`);
  }
}

function textEntries(text: string): [string, string][] {
  // A comma separates only where a key and "=" follow it, so that "a=1,2" stays one value.
  return text.split(/,(?=[^,=]+=)/).map((part) => {
    const equals = part.indexOf("=");
    if (equals < 1) throw new InvalidArgumentError(`"${part}" isn't key=value.`);
    return [part.slice(0, equals), part.slice(equals + 1)];
  });
}
