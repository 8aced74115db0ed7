import { join } from "node:path";
import { removeTempDir, runSource, tempDir } from "@fleetwire/testbed";
import { expect, onTestFinished, test } from "vitest";
import { withFileLock } from "./file-lock.ts";

function lockPath(): string {
  const folder = tempDir("lock");
  onTestFinished(() => removeTempDir(folder));
  return join(folder, "a lock");
}

test("holders in one process come one after the other", async () => {
  const path = lockPath();
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 8 }, () =>
      withFileLock(path, 10_000, async () => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise(setImmediate);
        inside -= 1;
      }),
    ),
  );
  expect(most).toBe(1);
});

test("a holder that throws gives it back", async () => {
  const path = lockPath();
  const failing = withFileLock(path, 1_000, () => Promise.reject(new Error("inside")));
  await expect(failing).rejects.toThrow("inside");
  expect(await withFileLock(path, 1_000, () => Promise.resolve("got it"))).toBe("got it");
});

test("another process's lock is respected until that process is killed with -9", async () => {
  const path = lockPath();
  const holder = runSource(new URL("../../test/programs/lock-holder.ts", import.meta.url), [path]);
  await holder.waitForLine(/^locked$/);
  await expect(withFileLock(path, 100, () => Promise.resolve())).rejects.toThrow(/holds .*What to do/s);
  await holder.kill9();
  expect(await withFileLock(path, 1_000, () => Promise.resolve("got it"))).toBe("got it");
});
