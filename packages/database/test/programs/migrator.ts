// Applies the migrations of the directory in argv to the database in argv. Says "applied NAMES".
import { migrate, openDatabase } from "../../src/index.ts";
import { silentLog } from "../../src/log.ts";

const [url = "", directory = ""] = process.argv.slice(2);
const database = await openDatabase({ url, applicationName: "migrator", log: silentLog, maxConnections: 1 });
const applied = await migrate({ database, directory, log: silentLog });
process.stdout.write(`applied ${JSON.stringify(applied)}\n`);
await database.close();
