import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** The caller's X-Request-Id where it is harmless in logs and headers, else a new UUID. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : randomUUID();
}

/** W3C trace context of a request. */
export interface Traceparent {
  /** As it came, for passing on. */
  header: string;
  /** 32 hex digits. */
  traceId: string;
  /** 16 hex digits. */
  parentId: string;
  sampled: boolean;
}

/** https://www.w3.org/TR/trace-context/#traceparent-header; null where there is none or it is malformed. */
export function parseTraceparent(header: unknown): Traceparent | null {
  if (typeof header !== "string" || header.length > 512) return null;
  const match = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(
    header,
  );
  const [, version, traceId, parentId, flags, rest] = match ?? [];
  if (traceId === undefined || parentId === undefined || flags === undefined) return null;
  // Only later versions may have more fields.
  if (version === "00" && rest !== undefined) return null;
  return { header, traceId, parentId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
