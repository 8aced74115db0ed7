/** The process: settings → log → server on its store → wait for a signal. */
import { createLifecycle, createLogger, settingsHelp } from "@fleetwire/service";
import { commandServerSettings, loadCommandServerSettings } from "./config.ts";
import { writeCliFile } from "./home.ts";
import { startCommandServer } from "./start.ts";

const argv = process.argv.slice(2);
if (argv.includes("--help") || argv.includes("-h")) {
  process.stdout.write(settingsHelp("fleetwire-command-server", commandServerSettings));
  process.exit(0);
}

const settings = orExit(() => loadCommandServerSettings({ argv }));
const log = createLogger({ service: "command-server", level: settings.logLevel });
const lifecycle = createLifecycle({ log, deadlineMs: settings.shutdownDeadline });
lifecycle.handleSignals();

try {
  const running = await startCommandServer({ settings, log, lifecycle });
  const { httpUrl, grpcAddress, operatorToken: token } = running;
  if (token !== null) {
    const path = await writeCliFile(settings.home, { urls: { commands: httpUrl, grpc: grpcAddress }, token });
    log.info({ path }, "the command line finds this server and its token there");
  }
  log.info(
    { httpUrl, grpcAddress },
    `command-server is ready: ${httpUrl} for operators, ${grpcAddress} for agents (gRPC)`,
  );
} catch (error) {
  log.fatal({ err: error }, "command-server can't start");
  await lifecycle.stop("failed start");
  process.exit(1);
}

/** Wrong settings are told as they are, without a stack. 78 is EX_CONFIG of sysexits. */
function orExit<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return process.exit(78);
  }
}
