import { spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { removeTempDir, runSource, tempDir, type TestProcess } from "@fleetwire/testbed";
import { afterEach } from "vitest";
import { openEmbeddedPostgres, removeEmbeddedPostgres, type EmbeddedPostgres } from "../src/index.ts";
import { silentLog } from "../src/log.ts";

export interface EmbeddedHomes {
  /** A new home; whatever is left of it goes after the test. */
  home(name: string, mode?: number): string;
  /** Opens the cluster in this process. */
  open(home: string, port?: number): Promise<EmbeddedPostgres>;
  /** Another process that uses the cluster; resolves when it does. */
  startUser(home: string): Promise<ClusterUser>;
}

interface ClusterUser {
  process: TestProcess;
  port: number;
  /** Of the server. */
  serverPid: number;
}

/** Homes, processes and shares of one test file; ended after each test, users first. */
export function useEmbeddedHomes(): EmbeddedHomes {
  const folders: string[] = [];
  const homes: string[] = [];
  const users: TestProcess[] = [];
  const shares: EmbeddedPostgres[] = [];

  afterEach(async () => {
    await Promise.all(users.splice(0).map((user) => user.kill9()));
    await Promise.all(shares.splice(0).map((share) => share.close()));
    for (const home of homes.splice(0)) await removeEmbeddedPostgres(home);
    for (const folder of folders.splice(0)) removeTempDir(folder);
  });

  return {
    home(name, mode = 0o711) {
      const folder = tempDir("database");
      chmodSync(folder, mode);
      folders.push(folder);
      homes.push(join(folder, name));
      return join(folder, name);
    },
    async open(home, port) {
      const share = await openEmbeddedPostgres({ home, log: silentLog, ...(port === undefined ? {} : { port }) });
      shares.push(share);
      return share;
    },
    async startUser(home) {
      const user = runSource(new URL("./programs/embedded-user.ts", import.meta.url), [home]);
      users.push(user);
      const line = await user.waitForLine(/^open (\d+) (\d+)$/, 30_000);
      return { process: user, port: Number(line[1]), serverPid: Number(line[2]) };
    },
  };
}

/** Whether a process runs. A zombie, which waits for a slow init to take note of its end, does not. */
export function isRunning(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.startsWith("Z");
}
