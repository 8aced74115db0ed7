export { eventually, type EventuallyOptions } from "./eventually.ts";
export type { Target } from "./fault-proxy/connection.ts";
export { startFaultProxy, type FaultProxy } from "./fault-proxy/fault-proxy.ts";
export { freePort } from "./free-port.ts";
export { createLedger, type CheckOptions, type Ledger, type LedgerCheck } from "./ledger.ts";
export { startPostgres, type PostgresOptions, type TestPostgres } from "./postgres/postgres.ts";
export { startProcess, type ExitStatus, type ProcessOptions, type TestProcess } from "./process/process.ts";
export { runSource, type SourceOptions } from "./process/source.ts";
export { removeTempDir, tempDir } from "./temp-dir.ts";
