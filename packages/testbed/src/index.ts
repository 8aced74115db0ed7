export { eventually, type EventuallyOptions } from "./eventually.ts";
export { freePort } from "./free-port.ts";
export { startPostgres, type PostgresOptions, type TestPostgres } from "./postgres/postgres.ts";
export { startProcess, type ExitStatus, type ProcessOptions, type TestProcess } from "./process/process.ts";
export { runSource, type SourceOptions } from "./process/source.ts";
export { removeTempDir, tempDir } from "./temp-dir.ts";
