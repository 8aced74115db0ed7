import { FleetwireError } from "@fleetwire/service";
import type { Page } from "./command-store.ts";
import { storeErrors } from "./errors.ts";

/** Cuts what was read (one more than asked, if there is more) to a page. */
export function toPage<T>(read: T[], limit: number, idOf: (item: T) => string): Page<T> {
  const items = read.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: read.length > limit && last !== undefined ? encodeId(idOf(last)) : null };
}

/** A list's cursor: the last id shown. */
export function encodeId(id: string): string {
  return Buffer.from(id, "utf8").toString("base64url");
}

/** Throws `invalid_cursor`. */
export function decodeId(cursor: string): string {
  const id = Buffer.from(cursor, "base64url").toString("utf8");
  if (id === "" || id.includes("\0") || encodeId(id) !== cursor) refuseCursor();
  return id;
}

export function refuseCursor(): never {
  throw new FleetwireError(storeErrors.invalid_cursor);
}
