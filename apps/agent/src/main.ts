import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { createLogger, type Logger, systemClock } from "@fleetwire/service";
import { type Agent, startAgent } from "./agent.ts";
import { pingHandler, restartHandler, stopHandler } from "./commands/control.ts";
import { factsHandler } from "./commands/facts.ts";
import { loadPlugins } from "./commands/plugin.ts";
import { createCommandTypes } from "./commands/prepare.ts";
import { shellHandler } from "./commands/shell.ts";
import { type AgentConfig, readConfig } from "./config.ts";
import { grpcStreams } from "./connection/grpc-stream.ts";
import { resolveServer } from "./connection/server-address.ts";
import { createAllowList } from "./execution/allow-list.ts";
import { sweepOrphans } from "./execution/orphans.ts";
import { AgentError, exitCodes } from "./exit-codes.ts";
import { enrol, ensureEnrolled } from "./identity/enrolment.ts";
import { openIdentity } from "./identity/identity.ts";
import { type Ledger, openLedger } from "./ledger/ledger.ts";
import { LedgerFileError } from "./ledger/schema.ts";
import { createProcessEnd, type ProcessEnd } from "./process-end.ts";
import { agentVersion } from "./version.ts";

/** Runs the agent in this process until it stops; resolves to the exit code (see `exitCodes`). */
export async function runAgent(argv: readonly string[]): Promise<number> {
  let log = createLogger({ service: "agent" });
  try {
    const config = readConfig(argv);
    log = createLogger({ service: "agent", level: config.logLevel }).child({ agentId: config.agentId });
    const processEnd = createProcessEnd({ log });
    const agent = await start(config, log, processEnd);
    processEnd.follow(agent);
    const { exitCode, reason } = await agent.ended;
    await processEnd.close();
    log.info({ reason, exitCode }, "agent stopped");
    return exitCode;
  } catch (error) {
    if (error instanceof AgentError) log.fatal({ exitCode: error.exitCode }, error.message);
    else log.fatal({ err: error }, "the agent can't go on");
    return error instanceof AgentError ? error.exitCode : exitCodes.crashed;
  }
}

async function start(config: AgentConfig, log: Logger, processEnd: ProcessEnd): Promise<Agent> {
  const { agentId, dataDirectory, killGraceMs } = config;
  const channel = resolveServer(config.address);
  const plugins = await loadPlugins(config.plugins, { killGraceMs, log });
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  mkdirSync(dirname(config.ledgerFile), { recursive: true, mode: 0o700 });

  // The ledger first: its lock keeps a second process away from everything else.
  const ledger = await openAgentLedger(config.ledgerFile, log);
  processEnd.onClose(() => ledger.close());
  const { held, ledgerId } = await ledger.snapshot();
  const interrupted = held.filter(({ state }) => state === "started");
  await sweepOrphans({ agentId, interrupted, killGraceMs, log });

  const identity = openIdentity(dataDirectory);
  const { joinToken } = config;
  const enrolment = { agentId, joinToken, dataDirectory, identity, channel, log, signal: processEnd.stopping };
  await ensureEnrolled(enrolment);

  const allowList = config.allow === null ? null : createAllowList(config.allow);
  const { shell, commandEnvironment: environment } = config;
  const types = createCommandTypes([
    shellHandler({ agentId, shell, allowList, environment, killGraceMs }),
    pingHandler,
    factsHandler({ agentId, version: agentVersion }),
    stopHandler,
    restartHandler,
    ...plugins,
  ]);
  log.info(
    { version: agentVersion, server: config.address.server, ledgerId, key: identity.fingerprint },
    "agent starting",
  );
  return startAgent({
    agentId,
    version: agentVersion,
    fleet: config.fleet,
    labels: config.labels,
    concurrency: config.concurrency,
    types,
    ledger,
    identity,
    open: grpcStreams(channel),
    enrolAgain: async () => void (await enrol(enrolment)),
    drainGraceMs: config.drainGraceMs,
    clock: systemClock,
    log,
  });
}

async function openAgentLedger(path: string, log: Logger): Promise<Ledger> {
  try {
    return await openLedger({ path, log });
  } catch (error) {
    if (!(error instanceof LedgerFileError)) throw error;
    const message =
      error.code === "in_use"
        ? `another process uses the ledger ${path}: two agents can't share one data directory`
        : `the ledger can't be opened: ${error.message}`;
    throw new AgentError(exitCodes.dataUnavailable, message, { cause: error });
  }
}

if (import.meta.main) process.exit(await runAgent(process.argv.slice(2)));
