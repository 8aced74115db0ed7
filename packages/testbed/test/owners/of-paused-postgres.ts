// Run by watchdog.test.ts, which ends it from outside: owns a PostgreSQL whose processes are all stopped.
import { startPostgres } from "../../src/index.ts";

const postgres = await startPostgres();
await postgres.pause();
process.stdout.write(`paused ${postgres.pid}\n`);
