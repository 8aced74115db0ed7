// A process that uses the cluster of the home in argv until SIGTERM. Says "open PORT PID", then "closed"; its log before.
// With a uid and a folder of binaries it becomes that user first: a checkout of root's own can't be read by anyone else.
import { installedBinaries } from "../../src/embedded/binaries.ts";
import { locateCluster } from "../../src/embedded/cluster.ts";
import { joinCluster } from "../../src/embedded/embedded-postgres.ts";

const say = (fields: object, message: string): void => {
  process.stdout.write(`${message} ${JSON.stringify(fields)}\n`);
};
const [home = "", uid, native = installedBinaries()] = process.argv.slice(2);
if (uid !== undefined) {
  process.setgroups?.([]);
  process.setgid?.(Number(uid));
  process.setuid?.(Number(uid));
}
const log = { debug: say, info: say, warn: say, error: say };
const embedded = await joinCluster(await locateCluster({ home, native, log }), null);
process.once("SIGTERM", () => {
  void embedded.close().then(() => {
    process.stdout.write("closed\n");
    process.exit(0);
  });
});
process.stdout.write(`open ${embedded.port} ${embedded.pid}\n`);
