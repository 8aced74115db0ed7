import { createLogger, type Logger, systemClock } from "@fleetwire/service";
import { type Agent, startAgent } from "./agent.ts";
import { createPluginLoader } from "./commands/plugin.ts";
import { type AgentConfig, hasConfigFile, readConfig } from "./config.ts";
import { grpcStreams } from "./connection/grpc-stream.ts";
import { resolveServer } from "./connection/server-address.ts";
import { openDataDirectory } from "./data-directory.ts";
import { sweepOrphans } from "./execution/orphans.ts";
import { AgentError, exitCodes } from "./exit-codes.ts";
import { enrol, ensureEnrolled } from "./identity/enrolment.ts";
import { openIdentity } from "./identity/identity.ts";
import { createComposer, followSettings } from "./live-settings.ts";
import { createProcessEnd, type ProcessEnd } from "./process-end.ts";
import { agentVersion } from "./version.ts";

/** Runs the agent in this process until it stops; resolves to the exit code (see `exitCodes`). */
export async function runAgent(argv: readonly string[]): Promise<number> {
  let log = createLogger({ service: "agent" });
  const processEnd = createProcessEnd({ log, reloads: hasConfigFile(argv) });
  try {
    const config = readConfig(argv);
    log = createLogger({ service: "agent", level: config.logLevel }).child({ agentId: config.agentId });
    const agent = await start(config, argv, log, processEnd);
    processEnd.follow(agent);
    const { exitCode, reason } = await agent.ended;
    await processEnd.close();
    log.info({ reason, exitCode }, "agent stopped");
    return exitCode;
  } catch (error) {
    if (processEnd.stopping.aborted) return exitCodes.stopped;
    if (error instanceof AgentError) log.fatal({ exitCode: error.exitCode }, error.message);
    else log.fatal({ err: error }, "the agent can't go on");
    return error instanceof AgentError ? error.exitCode : exitCodes.crashed;
  }
}

async function start(
  config: AgentConfig,
  argv: readonly string[],
  log: Logger,
  processEnd: ProcessEnd,
): Promise<Agent> {
  const { agentId, dataDirectory, joinToken, killGraceMs } = config;
  const channel = resolveServer(config.address);
  const plugins = createPluginLoader({ killGraceMs, log });
  await plugins.load(config.plugins);
  const { ledger, pipes } = await openDataDirectory({ ...config, log });
  processEnd.onClose(() => ledger.close());
  const compose = createComposer({ config, version: agentVersion, pipes, plugins });
  const live = await compose(config);
  const { held, ledgerId } = await ledger.snapshot();
  const interrupted = held.filter(({ state }) => state === "started");
  await sweepOrphans({ agentId, interrupted, killGraceMs, log });

  const identity = openIdentity(dataDirectory);
  const enrolment = { agentId, joinToken, dataDirectory, identity, channel, log, signal: processEnd.stopping };
  await ensureEnrolled(enrolment);

  const { server } = config.address;
  log.info({ version: agentVersion, server, ledgerId, key: identity.fingerprint }, "agent starting");
  const agent = await startAgent({
    ...config,
    version: agentVersion,
    live,
    ledger,
    identity,
    open: grpcStreams(channel),
    enrolAgain: async () => void (await enrol(enrolment)),
    clock: systemClock,
    log,
  });
  followSettings({ config, argv, compose, agent, log, processEnd });
  return agent;
}

if (import.meta.main) process.exit(await runAgent(process.argv.slice(2)));
