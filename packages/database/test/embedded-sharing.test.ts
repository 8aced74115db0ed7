import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@fleetwire/testbed";
import { expect, test } from "vitest";
import { ensureDatabase, openDatabase, stopEmbeddedPostgres } from "../src/index.ts";
import { silentLog } from "../src/log.ts";
import { isRunning, useEmbeddedHomes } from "./embedded-home.ts";

const homes = useEmbeddedHomes();

test("a fresh home gets a cluster that keeps what was written over a stop and a start", async () => {
  const home = homes.home("home");
  const first = await homes.open(home);
  const url = await ensureDatabase(first.url, "fleetwire_test");
  const written = await openDatabase({ url, applicationName: "test", log: silentLog });
  await written.query("CREATE TABLE note (body text)");
  await written.query({ text: "INSERT INTO note VALUES ($1)", values: ["kept"] });
  await written.close();
  await first.close();
  expect(isRunning(first.pid)).toBe(false);

  const second = await homes.open(home);
  expect(second.url).toBe(first.url);
  const read = await openDatabase({ url, applicationName: "test", log: silentLog });
  expect(await read.query("SELECT body FROM note")).toEqual([{ body: "kept" }]);
  await read.close();
});

test("a home whose path has spaces works", async () => {
  const share = await homes.open(homes.home("a home, with spaces"));
  const url = await ensureDatabase(share.url, "fleetwire_test");
  const database = await openDatabase({ url, applicationName: "test", log: silentLog });
  expect(await database.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await database.close();
});

test("processes that start at once share one server, and the last one to leave stops it", async () => {
  const home = homes.home("home");
  const [first, second, third] = await Promise.all([
    homes.startUser(home),
    homes.startUser(home),
    homes.startUser(home),
  ]);
  const { serverPid } = first;
  expect([second.serverPid, third.serverPid]).toEqual([serverPid, serverPid]);

  await first.process.stop();
  await second.process.stop();
  expect(isRunning(serverPid)).toBe(true);
  await third.process.stop();
  expect(third.process.stdout).toContain("closed");
  expect(isRunning(serverPid)).toBe(false);
});

test("two shares in one process count as two users", async () => {
  const home = homes.home("home");
  const [one, two] = await Promise.all([homes.open(home), homes.open(home)]);
  expect(one.pid).toBe(two.pid);
  await one.close();
  expect(isRunning(two.pid)).toBe(true);
  await two.close();
  expect(isRunning(two.pid)).toBe(false);
});

test("a user killed with -9 gives up its share, so the other one stops the server", async () => {
  const home = homes.home("home");
  const survivor = await homes.startUser(home);
  const victim = await homes.startUser(home);
  await victim.process.kill9();
  expect(isRunning(survivor.serverPid)).toBe(true);
  await survivor.process.stop();
  expect(isRunning(survivor.serverPid)).toBe(false);
});

test("a server whose users were all killed with -9 is adopted by the next one", async () => {
  const home = homes.home("home");
  const [first, second] = await Promise.all([homes.startUser(home), homes.startUser(home)]);
  await Promise.all([first.process.kill9(), second.process.kill9()]);
  const { serverPid } = first;
  expect(isRunning(serverPid)).toBe(true);

  const adopter = await homes.startUser(home);
  expect(adopter.serverPid).toBe(serverPid);
  await adopter.process.stop();
  expect(isRunning(serverPid)).toBe(false);
});

test("stopEmbeddedPostgres stops an orphan, leaves a used server alone, and creates nothing", async () => {
  const home = homes.home("home");
  expect(await stopEmbeddedPostgres(home)).toEqual({ outcome: "not_running" });
  expect(() => statSync(home)).toThrow("ENOENT");

  const user = await homes.startUser(home);
  expect(await stopEmbeddedPostgres(home)).toEqual({ outcome: "in_use", pids: [user.process.pid] });
  expect(isRunning(user.serverPid)).toBe(true);
  await user.process.kill9();
  expect(await stopEmbeddedPostgres(home)).toEqual({ outcome: "stopped" });
  await eventually(() => !isRunning(user.serverPid), { deadlineMs: 1_000 });
});

test("nobody gets in without the password, and the passwords are in one file that only its owner reads", async () => {
  const home = homes.home("home");
  const share = await homes.open(home);
  const recordPath = join(home, "postgres", "cluster.json");
  expect(statSync(recordPath).mode & 0o777).toBe(0o600);
  const { password, adminPassword } = JSON.parse(readFileSync(recordPath, "utf8"));
  for (const user of ["fleetwire", "postgres"]) {
    for (const guess of ["", ":postgres"]) {
      const url = `postgresql://${user}${guess}@127.0.0.1:${share.port}/postgres`;
      await expect(openDatabase({ url, applicationName: "intruder", log: silentLog })).rejects.toThrow(/password/);
    }
  }
  const serverLog = readFileSync(join(home, "postgres", "server.log"), "utf8");
  const commandLine = readFileSync(`/proc/${share.pid}/cmdline`, "utf8");
  const environment = readFileSync(`/proc/${share.pid}/environ`, "utf8");
  for (const secret of [password, adminPassword]) {
    expect(serverLog).not.toContain(secret);
    expect(commandLine).not.toContain(secret);
    expect(environment).not.toContain(secret);
  }
});

test("services log in with a role that is no superuser", async () => {
  const share = await homes.open(homes.home("home"));
  const url = await ensureDatabase(share.url, "fleetwire_test");
  const database = await openDatabase({ url, applicationName: "test", log: silentLog });
  expect(await database.query("SELECT rolname, rolsuper FROM pg_roles WHERE rolname = current_user")).toEqual([
    { rolname: "fleetwire", rolsuper: false },
  ]);
  await database.close();
});
