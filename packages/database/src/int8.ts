import { types, type CustomTypesConfig } from "pg";

/** By the type's oid: int8 and int8[]. */
const parsers = new Map<number, (text: string) => unknown>([
  [20, parseInt8],
  [1016, parseInt8Array],
]);

/**
 * pg's parsers, but a bigint comes as a number: our sequences, counts and sizes stay far below 2^53, and numbers go to
 * JSON as they are.
 * @throws RangeError (the query rejects with it) beyond ±2^53, rather than a rounded value; select such a column as text.
 */
export const numberTypes: CustomTypesConfig = {
  getTypeParser: (oid, format) => {
    const ours = format === "binary" ? undefined : parsers.get(oid);
    return ours ?? types.getTypeParser(oid, format);
  },
};

/** A bigint in PostgreSQL's text form. */
export function parseInt8(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError(`bigint ${text} doesn't fit a JavaScript number; select it as text`);
}

/** An array of them, as in `{1,NULL,{2,3}}` or, with bounds of its own, `[0:1]={1,2}`. */
export function parseInt8Array(text: string): unknown {
  const values = text.slice(text.indexOf("{"));
  const json = values.replaceAll("{", "[").replaceAll("}", "]").replaceAll("NULL", "null");
  return JSON.parse(json.replaceAll(/-?\d+/g, (digits) => String(parseInt8(digits))));
}
