import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeTempDir, tempDir } from "@fleetwire/testbed";
import { expect, onTestFinished, test } from "vitest";
import { adviceFor, logTail } from "./start-failure.ts";

test.each([
  [`FATAL:  could not write lock file "postmaster.pid": No space left on device`, "disk is full"],
  [`FATAL:  could not resize shared memory segment "/PostgreSQL.1": No space left on device`, "/dev/shm"],
  [`LOG:  could not bind IPv4 address "127.0.0.1": Address already in use`, "port was taken"],
  ["DETAIL:  The data directory was initialized by PostgreSQL version 17, which is not", "major version"],
  [`FATAL:  could not open directory "pg_wal": Permission denied`, "owner and mode"],
  ["PANIC:  could not locate a valid checkpoint record", "data is damaged"],
])("%s gets an advice about it", (words, advice) => {
  expect(adviceFor(words)).toContain(advice);
});

test("the log's tail holds only lines of this start", async () => {
  const folder = tempDir("log");
  onTestFinished(() => removeTempDir(folder));
  const path = join(folder, "server.log");
  const before = "an earlier start\n";
  writeFileSync(path, `${before}one\ntwo\nthree\n`);
  expect(await logTail(path, before.length, 15)).toBe("one\ntwo\nthree");
  expect(await logTail(path, before.length, 2)).toBe("two\nthree");
});
