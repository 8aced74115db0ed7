/** The process: settings → home → log → everything → a first command → wait for Ctrl-C, or end after it (`--demo`). */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createLifecycle, createLogger } from "@fleetwire/service";
import pc from "picocolors";
import { childEnvironment, loadStandaloneSettings, projectRoot, serverEnvironment, standaloneHelp } from "./config.ts";
import { lockHome, temporaryHome } from "./home.ts";
import { openLogFile } from "./log-file.ts";
import { startStandalone } from "./standalone.ts";
import { failureText } from "./start-failure.ts";
import { placesText, roundTripText, tryNextText } from "./welcome.ts";

const firstCommandMs = 30_000;
const argv = process.argv.slice(2);
// Nobody reads any more: no reason to end.
process.stdout.on("error", () => undefined);
// The terminal was closed.
process.once("SIGHUP", () => process.kill(process.pid, "SIGTERM"));

if (argv.includes("--help") || argv.includes("-h")) say(standaloneHelp());
else await run().catch((error: unknown) => fail(error, null));

async function run(): Promise<void> {
  const settings = loadStandaloneSettings(argv);
  const colors = pc.createColors(process.stdout.isTTY && !settings.noColor);
  const home = settings.home ?? temporaryHome();
  const lock = lockHome(home);
  const file = settings.log ? null : openLogFile(home, "standalone.log");
  const log = createLogger({ service: "standalone", level: settings.logLevel, destination: file ?? process.stderr });
  const lifecycle = createLifecycle({ log });
  lifecycle.onStop("home", () => {
    if (settings.home === null) rmSync(home, { recursive: true, force: true });
    lock.release();
  });
  lifecycle.handleSignals();

  try {
    say(`Starting Fleetwire in ${home} …\n`);
    const { httpUrl, grpcAddress, cliFile, valkey, agent, firstCommand } = await startStandalone({
      home,
      port: settings.port,
      grpcPort: settings.grpcPort,
      store: settings.store,
      privateValkey: settings.privateValkey,
      serverEnvironment: serverEnvironment(),
      childEnvironment: childEnvironment(),
      agentOutput: file?.descriptor ?? process.stderr.fd,
      log,
      lifecycle,
    });
    say(`${placesText({ home, httpUrl, grpcAddress, cliFile, valkey, logFile: file?.path ?? null }, colors)}\n`);
    say(roundTripText(await firstCommand(firstCommandMs), colors));
    // Counted from the start of the process, its loading included.
    say(colors.dim(`Ready after ${(performance.now() / 1000).toFixed(1)} s.`));
    if (settings.demo) process.exit((await lifecycle.stop("the demo is over")) ? 0 : 1);
    say(`\n${tryNextText({ home, isDefaultHome: home === join(projectRoot, ".fleetwire"), grpcAddress }, colors)}`);
    lifecycle.stopping.addEventListener("abort", () => say("\nStopping … (Ctrl-C again ends it at once)"));
    const how = await agent.ended;
    if (!lifecycle.stopping.aborted) say(`\n${how}; the server goes on. Start Fleetwire again to have it back.`);
  } catch (error) {
    // What a stop in the middle of the start breaks isn't an error.
    if (lifecycle.stopping.aborted) return;
    log.fatal({ err: error }, "standalone can't start");
    const text = failureText(error, file?.path ?? null);
    await lifecycle.stop("failed start");
    fail(error, text);
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function fail(error: unknown, text: string | null): never {
  process.stderr.write(`${text ?? failureText(error, null)}\n`);
  process.exit(1);
}
