import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@fleetwire/testbed";
import { expect, test } from "vitest";
import { ensureDatabase, isConnectionError, openDatabase } from "../src/index.ts";
import { silentLog } from "../src/log.ts";
import { isRunning, useEmbeddedHomes } from "./embedded-home.ts";

const homes = useEmbeddedHomes();

test("after kill -9 of the server every acknowledged row is there, and the pool and the listener recover", async () => {
  const home = homes.home("home");
  const share = await homes.open(home);
  const url = await ensureDatabase(share.url, "fleetwire_test");
  const database = await openDatabase({ url, applicationName: "test", log: silentLog });
  await database.query("CREATE TABLE note (number int PRIMARY KEY)");
  let connects = 0;
  const heard: string[] = [];
  const listener = await database.listen(["news"], ({ payload }) => heard.push(payload), {
    onConnect: () => (connects += 1),
  });

  const acknowledged: number[] = [];
  const failures: unknown[] = [];
  const kills = 3;
  const perRound = 40;
  for (let round = 0; round < kills; round += 1) {
    const killed = share.pid;
    const connectsBefore = connects;
    for (let number = round * perRound; number < (round + 1) * perRound; number += 1) {
      if (number % perRound === perRound / 2) process.kill(killed, "SIGKILL");
      await eventually(
        async () => {
          const insert = { text: "INSERT INTO note VALUES ($1) ON CONFLICT DO NOTHING", values: [number] };
          return database.query(insert).then(
            () => true,
            (error: unknown) => void failures.push(error),
          );
        },
        { deadlineMs: 20_000, what: `row ${number} written` },
      );
      acknowledged.push(number);
    }
    await eventually(() => connects > connectsBefore, { deadlineMs: 10_000, what: "listening again" });
    // The pool may be back before the one who started the server has said so.
    await eventually(() => share.pid !== killed, { deadlineMs: 10_000, what: "the new server to be known" });
  }

  const rows = await database.query<{ number: number }>("SELECT number FROM note ORDER BY number");
  expect(rows.map((row) => row.number)).toEqual(acknowledged);
  expect(failures.filter((error) => !isConnectionError(error))).toEqual([]);
  await database.query("NOTIFY news, 'after the crashes'");
  await eventually(() => heard.includes("after the crashes"), { deadlineMs: 5_000 });
  await listener.close();
  await database.close();
});

test("when the server dies under several users, one starts it again for all", async () => {
  const home = homes.home("home");
  const share = await homes.open(home);
  const other = await homes.startUser(home);
  const killed = share.pid;
  process.kill(killed, "SIGKILL");
  await eventually(() => share.pid !== killed, { deadlineMs: 10_000, what: "the server started again" });
  const restarted = share.pid;
  await other.process.waitForLine(/embedded PostgreSQL is back/);
  await share.close();
  expect(isRunning(restarted)).toBe(true);
  await other.process.stop();
  expect(isRunning(restarted)).toBe(false);
});

test("a pid file left by a crash, whose pid now belongs to another process, doesn't hold up the start", async () => {
  const home = homes.home("home");
  const user = await homes.startUser(home);
  process.kill(user.process.pid, "SIGKILL");
  process.kill(user.serverPid, "SIGKILL");
  await eventually(() => !isRunning(user.serverPid), { deadlineMs: 5_000 });
  const pidFile = join(home, "postgres", "data", "postmaster.pid");
  const lines = readFileSync(pidFile, "utf8").split("\n");
  writeFileSync(pidFile, [String(process.pid), ...lines.slice(1)].join("\n"));

  const share = await homes.open(home);
  expect(isRunning(share.pid)).toBe(true);
  expect(share.pid).not.toBe(user.serverPid);
});

test("a user that is closed while the server is being started again leaves nothing running", async () => {
  const home = homes.home("home");
  const share = await homes.open(home);
  process.kill(share.pid, "SIGKILL");
  await share.close();
  const next = await homes.startUser(home);
  await next.process.stop();
  expect(isRunning(next.serverPid)).toBe(false);
});
