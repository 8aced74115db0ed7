// Takes the file lock in argv and keeps it. Says "locked".
import { withFileLock } from "../../src/embedded/file-lock.ts";

const path = process.argv[2] ?? "";
await withFileLock(path, 10_000, async () => {
  process.stdout.write("locked\n");
  await new Promise((resolve) => setTimeout(resolve, 600_000));
});
