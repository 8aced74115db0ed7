// Run by valkey.test.ts, which ends it from outside: owns the private Valkey of a home. Arguments: home, program.
import { createLogger } from "@fleetwire/service";
import { startPrivateValkey } from "../../src/valkey/valkey.ts";

const [home = "", program = ""] = process.argv.slice(2);
const log = createLogger({ service: "owner", destination: process.stderr });
const valkey = await startPrivateValkey({ home, program, environment: {}, log });
process.stdout.write(`runs at ${valkey.url}\n`);
