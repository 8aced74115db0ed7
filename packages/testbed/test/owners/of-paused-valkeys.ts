// Run by watchdog.test.ts, which ends it from outside: owns a Sentinel set and a single server, all servers stopped.
import { startSentinel, startValkey } from "../../src/index.ts";

const single = await startValkey();
const set = await startSentinel();
for (const server of [single, ...set.nodes]) await server.pause();
process.stdout.write("paused\n");
