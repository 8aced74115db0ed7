import { constants, type ServerHttp2Stream } from "node:http2";

/**
 * The HTTP/2 stream under a grpc-js server call.
 *
 * grpc-js has no way to end one call of a peer that doesn't read: ending it waits for the flow-control window, and
 * destroying the call leaves the stream below open. So this looks beneath, carefully; where a later version of grpc-js
 * is built another way, it gives null and such a stream stays until its connection ends.
 */
export function http2StreamOf(call: object): ServerHttp2Stream | null {
  let inner: unknown = property(call, "call");
  // Interceptors wrap the call, each one once.
  for (let depth = 0; depth < 16 && inner; depth += 1) {
    const stream = property(inner, "stream");
    if (isHttp2Stream(stream)) return stream;
    inner = property(inner, "nextCall");
  }
  return null;
}

/** Ends the stream without waiting for its peer. */
export function resetStream(stream: ServerHttp2Stream): void {
  if (!stream.closed && !stream.destroyed) stream.close(constants.NGHTTP2_CANCEL);
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function isHttp2Stream(value: unknown): value is ServerHttp2Stream {
  return typeof property(value, "close") === "function" && typeof property(value, "rstCode") === "number";
}
