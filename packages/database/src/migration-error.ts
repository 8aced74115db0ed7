import { DatabaseError } from "pg";

/** A migration that can't be applied; the message names it and says what to do. */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
  readonly migration: string;

  constructor(migration: string, why: string, options?: ErrorOptions) {
    super(`migration ${migration} ${why}`, options);
    this.migration = migration;
  }
}

/** What the server said about a file's SQL, with the line it said it about. */
export function explainFailure(migration: string, sql: string, error: unknown): MigrationError {
  if (!(error instanceof DatabaseError)) {
    const words = error instanceof Error ? error.message : String(error);
    return new MigrationError(migration, `failed and left nothing behind: ${words}`, { cause: error });
  }
  const line =
    error.position === undefined ? "" : ` at line ${sql.slice(0, Number(error.position)).split("\n").length}`;
  const details = [error.detail, error.hint].filter((part) => part !== undefined).map((part) => `\n${part}`);
  return new MigrationError(
    migration,
    `failed${line} and left nothing behind: ${error.message} (${error.code})${details.join("")}`,
    { cause: error },
  );
}
