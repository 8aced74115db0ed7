/**
 * `fleetwire-agent`: a small process with one child, the agent. It starts the agent again when it asks for it (exit code
 * 75) or crashes, and passes signals and exit codes on. Under a service manager that restarts by itself, `--no-launcher`
 * runs the agent in this process.
 *
 *   from      to        when
 *   running   waiting   the child ended with 75, or crashed (`restart-policy.ts` says how long)
 *   waiting   running   the wait is over
 *   running   ended     the child ended otherwise: with its exit code
 *   waiting   ended     SIGTERM, SIGINT or SIGHUP: 0
 *
 * With a settings file SIGHUP asks the child to read it again, and is no more than passed on.
 *
 * The child holds one end of an IPC channel: when the launcher dies, however, the child drains and ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { createRestartPolicy } from "./restart-policy.ts";
import { sourceFile } from "./source-file.ts";

async function launch(argv: readonly string[]): Promise<number> {
  const policy = createRestartPolicy({ monotonicMs: () => performance.now() });
  const asked = Promise.withResolvers<"asked">();
  let child: ChildProcess | null = null;
  let stopping = false;
  const hasSettingsFile = argv.some((argument) => argument === "--config" || argument.startsWith("--config="));
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (signal !== "SIGHUP" || !hasSettingsFile) {
        stopping = true;
        asked.resolve("asked");
      }
      child?.kill(signal);
    });
  }
  for (;;) {
    const startedMs = performance.now();
    child = spawn(process.execPath, [...process.execArgv, sourceFile("./main"), ...argv], {
      stdio: ["inherit", "inherit", "inherit", "ipc"],
    });
    const { code, signal } = await exitOf(child);
    child = null;
    if (stopping) return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
    const verdict = policy.decide({ code, signal, ranMs: performance.now() - startedMs });
    if (verdict.kind === "end") return verdict.exitCode;
    await logRestart({ code, signal, why: verdict.why, afterMs: Math.round(verdict.afterMs) });
    if ((await waitFor(verdict.afterMs, asked.promise)) === "asked") return 0;
  }
}

function exitOf(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ code: number | null; signal: NodeJS.Signals | null }>();
  child.once("error", reject);
  child.once("exit", (code, signal) => resolve({ code, signal }));
  return promise;
}

async function waitFor(ms: number, asked: Promise<"asked">): Promise<"asked" | "waited"> {
  const { promise, resolve } = Promise.withResolvers<"waited">();
  const timer = setTimeout(() => resolve("waited"), ms);
  const first = await Promise.race([promise, asked]);
  clearTimeout(timer);
  return first;
}

async function logRestart(fields: Record<string, unknown>): Promise<void> {
  const { createLogger } = await import("@fleetwire/service");
  createLogger({ service: "agent-launcher" }).warn(fields, "starting the agent again");
}

// What only some starts need is imported there: the launcher itself stays small.
const argv = process.argv.slice(2);
if (argv.includes("--help")) {
  const { helpText } = await import("./config.ts");
  process.stdout.write(helpText());
} else if (argv.includes("--no-launcher")) {
  const { runAgent } = await import("./main.ts");
  process.exit(await runAgent(argv.filter((argument) => argument !== "--no-launcher")));
} else {
  process.exit(await launch(argv));
}
