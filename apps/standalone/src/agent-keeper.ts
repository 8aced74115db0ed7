/**
 * Runs the agent's launcher and ends it when stdin ends, which it does when the process at its other end is gone,
 * killed with -9 included: so an agent never outlives the standalone that started it.
 *
 * Arguments: the launcher's file, then its flags.
 */
import { spawn } from "node:child_process";

const graceMs = 8_000;
const launcher = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(2)], {
  stdio: ["ignore", "inherit", "inherit"],
});
launcher.once("exit", (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
launcher.once("error", () => process.exit(1));

let ending = false;
function end(): void {
  if (ending) return;
  ending = true;
  launcher.kill("SIGTERM");
  // The whole group, this process included.
  setTimeout(() => process.kill(0, "SIGKILL"), graceMs);
}

process.on("SIGTERM", end);
process.on("SIGINT", end);
process.stdin.on("end", end).on("error", end).resume();
