// Run by install.test.ts, which ends it from outside: waits for an installation. Arguments: program, policy, lock.
import { installByApt } from "../../src/install/apt.ts";

const [program = "", policy = "", lock = ""] = process.argv.slice(2);
await installByApt({ packageName: program, program }, { policy, lock });
