import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { FleetwireError, type ErrorSpec } from "../errors/fleetwire-error.ts";
import { problemContentType, toProblem } from "../errors/problem.ts";
import { httpErrors } from "./http-errors.ts";

const byCode = new Map<string, ErrorSpec>([
  ["ERR_HTTP_REQUEST_TIMEOUT", httpErrors.request_timeout],
  ["HPE_HEADER_OVERFLOW", httpErrors.headers_too_large],
]);

/** Answers what isn't (or isn't whole) HTTP, and never became a request, and ends its connection. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const problem = toProblem(new FleetwireError(byCode.get(error.code ?? "") ?? httpErrors.invalid_request));
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ""}`,
    `content-type: ${problemContentType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}
