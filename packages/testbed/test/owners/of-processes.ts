// Run by watchdog.test.ts, which ends it from outside: owns a folder and a process that listens to no polite signal.
import { startProcess, tempDir } from "../../src/index.ts";

const folder = tempDir("owned by it");
const stubborn = startProcess({
  name: "stubborn",
  command: "/bin/sh",
  args: ["-c", "trap '' TERM INT HUP; sleep 60 & echo $!; wait"],
});
const [child] = await stubborn.waitForLine(/^\d+$/);
process.stdout.write(`owns ${folder}, ${stubborn.pid}, ${child}\n`);
