import { FleetwireError } from "../errors/fleetwire-error.ts";
import { httpErrors } from "./http-errors.ts";

/** Deeper nesting than this is refused. */
const deepestJson = 64;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Parses a request's body. Throws FleetwireError `invalid_json` for what isn't JSON in UTF-8, and for JSON that would
 * mean different things to different parts of the system: more than 64 levels, `__proto__` or `constructor.prototype`
 * as a key, NUL or lone surrogates in texts, numbers beyond a double. Of duplicate keys the last one counts.
 */
export function parseJsonBody(body: Buffer): unknown {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(body));
  } catch {
    // The parser's message quotes the body.
    throw refuse("", "The body isn't JSON in UTF-8.");
  }
  check(value, "", 1);
  return value;
}

function check(value: unknown, path: string, depth: number): void {
  if (typeof value === "string") checkText(value, path);
  else if (typeof value === "number" && !Number.isFinite(value)) throw refuse(path, "The number is too large.");
  if (typeof value !== "object" || value === null) return;
  if (depth > deepestJson) throw refuse("", `The body has more than ${deepestJson} levels.`);
  if (Array.isArray(value)) {
    value.forEach((item, index) => check(item, `${path}/${index}`, depth + 1));
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    checkText(key, path);
    if (key === "__proto__" || (key === "constructor" && isObjectWithPrototype(item))) {
      throw refuse(path, `The key "${key}" isn't allowed.`);
    }
    check(item, `${path}/${key}`, depth + 1);
  }
}

function isObjectWithPrototype(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "prototype");
}

function checkText(text: string, path: string): void {
  if (text.includes("\0")) throw refuse(path, "Texts can't hold NUL.");
  if (!text.isWellFormed()) throw refuse(path, "Texts can't hold lone surrogates.");
}

function refuse(path: string, message: string): FleetwireError {
  const at = `body${path.length > 200 ? `${path.slice(0, 200)}…` : path}`.toWellFormed();
  return new FleetwireError(httpErrors.invalid_json, message, { violations: [{ path: at, message }] });
}
