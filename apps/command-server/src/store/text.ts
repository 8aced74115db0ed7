import { FleetwireError } from "@fleetwire/service";
import { storeErrors } from "./errors.ts";

// PostgreSQL's text and jsonb can't hold NUL, and UTF-8 has no lone surrogates: every adapter refuses both. JSON.stringify writes exactly these as
// escapes; a backslash that is itself escaped begins none.
const unstorable = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** JSON text of an operator's input. Throws `unstorable_text` rather than change what he wrote. */
export function strictJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (text.search(unstorable) >= 0) throw new FleetwireError(storeErrors.unstorable_text);
  return text;
}

/** JSON text of an agent's words, with U+FFFD for what can't be stored: a report is never lost for a character. */
export function cleanJson(value: unknown): string {
  return JSON.stringify(value).replace(unstorable, "$1\ufffd");
}

/** The same for one plain text. */
export function cleanText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\ufffd");
}
