import { DatabaseError } from "pg";

// 08: connection exception; 25P03: idle for too long within a transaction, which ended the connection; 57P01..05: shut down by an administrator, crash, starting or stopping, database dropped, idle session timeout;
// 53300: too many connections.
const connectionStates = /^(?:08...|25P03|57P0[1-5]|53300)$/;
const connectionErrnos = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
]);
/** pg and pg-pool reject with plain errors for these. */
const connectionMessages =
  /Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end/i;

/**
 * The server is out of reach, or was while the statement ran: the same statement may work later on another connection.
 * Whether a statement that had been sent took effect is unknown then; repeat only what may be repeated.
 */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.some(isConnectionError);
  const code = codeOf(error);
  if (code !== null && (connectionStates.test(code) || connectionErrnos.has(code))) return true;
  if (error instanceof DatabaseError) return false;
  return connectionMessages.test(error.message) || isConnectionError(error.cause);
}

/** The transaction lost to another one (40001 serialization failure, 40P01 deadlock) and had no effect: run it again. */
export function isSerializationError(error: unknown): boolean {
  const code = error instanceof Error ? codeOf(error) : null;
  return code === "40001" || code === "40P01";
}

/** The SQLSTATE or errno code of an error. */
export function codeOf(error: Error): string | null {
  return "code" in error && typeof error.code === "string" ? error.code : null;
}
