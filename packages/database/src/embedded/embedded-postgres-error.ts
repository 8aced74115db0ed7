export type EmbeddedPostgresErrorCode =
  | "unsupported_platform"
  | "no_user"
  | "no_access"
  | "locked"
  | "port_taken"
  | "other_port"
  | "damaged"
  | "no_answer"
  | "in_use"
  | "start_failed"
  | "stop_failed";

/** Why the embedded PostgreSQL can't be started or stopped. The message says what happened, then what to do about it. */
export class EmbeddedPostgresError extends Error {
  override readonly name = "EmbeddedPostgresError";
  readonly code: EmbeddedPostgresErrorCode;

  constructor(code: EmbeddedPostgresErrorCode, what: string, whatToDo: string, options?: ErrorOptions) {
    super(`${what}\nWhat to do: ${whatToDo}`, options);
    this.code = code;
  }
}
