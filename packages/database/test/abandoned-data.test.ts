import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { removeTempDir, tempDir } from "@fleetwire/testbed";
import { describe, expect, onTestFinished, test } from "vitest";
import { claimData, removeAbandonedData } from "../src/embedded/abandoned-data.ts";
import { silentLog } from "../src/log.ts";
import { useEmbeddedHomes } from "./embedded-home.ts";

const homes = useEmbeddedHomes();
const twoHoursMs = 2 * 3_600_000;

/** The data of a home under a temporary folder, which was last started `unusedMs` ago. */
async function claimed(unusedMs = twoHoursMs): Promise<{ clusters: string; data: string; home: string }> {
  const folder = tempDir("abandoned");
  onTestFinished(() => removeTempDir(folder));
  const [clusters, home] = [join(folder, "clusters"), join(folder, "home")];
  const data = join(clusters, "a", "data");
  mkdirSync(data, { recursive: true });
  mkdirSync(home);
  writeFileSync(join(home, "cluster.json"), "{}");
  await claimData(data, join(home, "cluster.json"));
  age(data, unusedMs);
  return { clusters, data, home };
}

function age(data: string, ms: number): void {
  const then = (Date.now() - ms) / 1_000;
  utimesSync(join(dirname(data), "owner.json"), then, then);
}

test("data whose home was deleted is removed, and nothing is left of it", async () => {
  const { clusters, home } = await claimed();
  rmSync(home, { recursive: true });
  await removeAbandonedData(clusters, silentLog);
  expect(readdirSync(clusters)).toEqual([]);
});

test("data of a home that is there is kept, however old", async () => {
  const { clusters, data } = await claimed(400 * 24 * 3_600_000);
  await removeAbandonedData(clusters, silentLog);
  expect(existsSync(data)).toBe(true);
});

test("data used a moment ago is kept: its home may have been moved", async () => {
  const { clusters, data, home } = await claimed(1_000);
  rmSync(home, { recursive: true });
  await removeAbandonedData(clusters, silentLog);
  expect(existsSync(data)).toBe(true);
});

test("data whose home's file system isn't mounted now is kept", async () => {
  const { clusters, data, home } = await claimed();
  const owner = join(dirname(data), "owner.json");
  const { record, device } = JSON.parse(readFileSync(owner, "utf8"));
  writeFileSync(owner, JSON.stringify({ record, device: device + 1 }));
  age(data, twoHoursMs);
  rmSync(home, { recursive: true });
  await removeAbandonedData(clusters, silentLog);
  expect(existsSync(data)).toBe(true);
});

test.each(["", "{", "null", '{"record":1}'])("data that nobody claims (%j) is kept", async (text) => {
  const { clusters, data, home } = await claimed();
  writeFileSync(join(dirname(data), "owner.json"), text);
  age(data, twoHoursMs);
  rmSync(home, { recursive: true });
  await removeAbandonedData(clusters, silentLog);
  expect(existsSync(data)).toBe(true);
});

function dataOf(home: string): string {
  return JSON.parse(readFileSync(join(home, "postgres", "cluster.json"), "utf8")).dataFolder;
}

describe.runIf(process.getuid?.() === 0)("as root", () => {
  test("a start removes the data of a home that is gone, but not under a running server, nor of a moved home", async () => {
    const [gone, running, before] = [homes.home("home", 0o700), homes.home("home", 0o700), homes.home("home", 0o700)];
    for (const home of [gone, before]) await (await homes.open(home)).close();
    const share = await homes.open(running);
    const [goneData, runningData, movedData] = [dataOf(gone), dataOf(running), dataOf(before)];

    // Both are put back, so that they are found and removed after the test.
    const [moved, hidden] = [`${before} moved`, `${running} hidden`];
    renameSync(before, moved);
    renameSync(running, hidden);
    try {
      rmSync(gone, { recursive: true });
      for (const data of [goneData, runningData, movedData]) age(data, twoHoursMs);
      await (await homes.open(moved)).close();
      expect([goneData, runningData, movedData].map((data) => existsSync(data))).toEqual([false, true, true]);
    } finally {
      renameSync(moved, before);
      renameSync(hidden, running);
    }
    await share.close();
  });
});
