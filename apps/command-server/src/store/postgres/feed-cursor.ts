import { FleetwireError } from "@fleetwire/service";
import { storeErrors } from "../errors.ts";

/** A place in the feed: everything up to and including `(xid, seq)` has been read. `number` is the largest seq known there. */
export interface FeedPosition {
  xid: number;
  seq: number;
  number: number;
}

const shape = /^f1:(\d{1,16}):(\d{1,16}):(\d{1,16})$/;

export function encodePosition({ xid, seq, number }: FeedPosition): string {
  return Buffer.from(`f1:${xid}:${seq}:${number}`, "latin1").toString("base64url");
}

/** Throws `invalid_cursor`. */
export function decodePosition(cursor: string): FeedPosition {
  const match = shape.exec(Buffer.from(cursor, "base64url").toString("latin1"));
  const [xid, seq, number] = (match ?? []).slice(1).map(Number);
  if (
    xid === undefined ||
    seq === undefined ||
    number === undefined ||
    ![xid, seq, number].every(Number.isSafeInteger)
  ) {
    throw new FleetwireError(storeErrors.invalid_cursor);
  }
  return { xid, seq, number };
}
