import {
  appendFileSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { removeTempDir, runSource, tempDir } from "@fleetwire/testbed";
import { describe, expect, onTestFinished, test } from "vitest";
import { installedBinaries } from "../src/embedded/binaries.ts";
import { locateCluster } from "../src/embedded/cluster.ts";
import { joinCluster } from "../src/embedded/embedded-postgres.ts";
import { ensureDatabase, openDatabase, removeEmbeddedPostgres } from "../src/index.ts";
import { silentLog } from "../src/log.ts";
import { useEmbeddedHomes } from "./embedded-home.ts";

const homes = useEmbeddedHomes();

async function canWrite(serverUrl: string): Promise<boolean> {
  const url = await ensureDatabase(serverUrl, "fleetwire_test");
  const database = await openDatabase({ url, applicationName: "test", log: silentLog });
  await database.query("CREATE TABLE IF NOT EXISTS note (body text)");
  await database.query("INSERT INTO note VALUES ('x')");
  const rows = await database.query("SELECT 1 FROM note");
  await database.close();
  return rows.length > 0;
}

// What root has to go round doesn't exist for anyone else; the other files cover them.
describe.runIf(process.getuid?.() === 0)("as root", () => {
  test("the server runs as another user", async () => {
    const share = await homes.open(homes.home("home"));
    expect(statSync(`/proc/${share.pid}`).uid).not.toBe(0);
    expect(await canWrite(share.url)).toBe(true);
  });

  test("a home under a folder of mode 0700 has its data under /var/lib/fleetwire, until it is removed", async () => {
    const home = homes.home("home", 0o700);
    const first = await homes.open(home);
    expect(await canWrite(first.url)).toBe(true);
    await first.close();
    const second = await homes.open(home);
    expect(await canWrite(second.url)).toBe(true);
    await second.close();

    const { dataFolder } = JSON.parse(readFileSync(join(home, "postgres", "cluster.json"), "utf8"));
    expect(dataFolder).toMatch(/^\/var\/lib\/fleetwire\/clusters\//);
    expect(existsSync(join(dataFolder, "PG_VERSION"))).toBe(true);
    await removeEmbeddedPostgres(home);
    expect(existsSync(join(dataFolder, ".."))).toBe(false);
  });

  test("a home of mode 0700 itself works", async () => {
    const home = homes.home("home", 0o700);
    mkdirSync(home, { mode: 0o700 });
    const share = await homes.open(home);
    expect(await canWrite(share.url)).toBe(true);
  });

  test("binaries that are out of the other user's reach are copied to where it can run them", async () => {
    const checkout = tempDir("checkout");
    onTestFinished(() => removeTempDir(checkout));
    const native = join(checkout, "a checkout", "native");
    cpSync(installedBinaries(), native, { recursive: true, verbatimSymlinks: true });
    expect(statSync(checkout).mode & 0o777).toBe(0o700);

    // A byte behind its end makes it a build of its own, which nobody has copied yet.
    appendFileSync(join(native, "bin", "postgres"), "\n");

    const cluster = await locateCluster({ home: homes.home("home"), native, log: silentLog });
    const share = await joinCluster(cluster, null);
    try {
      const program = readlinkSync(`/proc/${share.pid}/exe`);
      expect(program).toMatch(/^\/var\/lib\/fleetwire\/binaries\/[0-9a-f]+\/bin\/postgres$/);
      onTestFinished(() => rmSync(join(program, "..", ".."), { recursive: true }));
      expect(await canWrite(share.url)).toBe(true);
    } finally {
      await share.close();
    }
  });

  test("an ordinary user's cluster runs as that user, also when root opens it later", async () => {
    const nobody = 65_534;
    const home = homes.home("home");
    chownSync(join(home, ".."), nobody, nobody);
    const program = new URL("./programs/embedded-user.ts", import.meta.url);
    const native = join(home, "..", "native");
    cpSync(installedBinaries(), native, { recursive: true, verbatimSymlinks: true });
    const user = runSource(program, [home, String(nobody), native]);
    const [, , pid] = await user.waitForLine(/^open (\d+) (\d+)$/, 30_000);
    expect(statSync(`/proc/${pid}`).uid).toBe(nobody);
    await user.stop();

    const share = await homes.open(home);
    expect(statSync(`/proc/${share.pid}`).uid).toBe(nobody);
    expect(await canWrite(share.url)).toBe(true);
  });
});
