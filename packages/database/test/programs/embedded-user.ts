// A process that uses the cluster of the home in argv until SIGTERM. Says "open PORT PID", then "closed"; its log before.
import { openEmbeddedPostgres } from "../../src/index.ts";

const say = (fields: object, message: string): void => {
  process.stdout.write(`${message} ${JSON.stringify(fields)}\n`);
};
const home = process.argv[2] ?? "";
const embedded = await openEmbeddedPostgres({ home, log: { debug: say, info: say, warn: say, error: say } });
process.once("SIGTERM", () => {
  void embedded.close().then(() => {
    process.stdout.write("closed\n");
    process.exit(0);
  });
});
process.stdout.write(`open ${embedded.port} ${embedded.pid}\n`);
