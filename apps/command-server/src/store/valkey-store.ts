import type { Clock, Logger } from "@fleetwire/service";
import type { Registry } from "prom-client";
import type { CommandStore } from "./command-store.ts";
import { unavailable } from "./errors.ts";
import { inOrderOfOutput } from "./report-order.ts";
import { defaultStoreSettings, type StoreSettings } from "./settings.ts";
import { createStoreTime } from "./store-time.ts";
import { createSignals } from "./signals.ts";
import { agentKey, onlineByFleet, putFacts, requestDrain, revokeAgent } from "./valkey/agents.ts";
import { appendOutput } from "./valkey/append-output.ts";
import { agentsWithWork, assignCommands, pendingCancels } from "./valkey/assign.ts";
import { cancelCommand } from "./valkey/cancel.ts";
import { cleanup } from "./valkey/cleanup.ts";
import { checkServer } from "./valkey/check-server.ts";
import { connectValkey, type ValkeyTarget } from "./valkey/connection.ts";
import type { StoreContext } from "./valkey/context.ts";
import { enqueue } from "./valkey/enqueue.ts";
import { feedEnd, readFeed } from "./valkey/feed.ts";
import { startForeignCommands } from "./valkey/foreign/foreign-commands.ts";
import { createJoinToken, enrol, listJoinTokens, revokeJoinToken } from "./valkey/join-tokens.ts";
import { channelOf } from "./valkey/keys.ts";
import { createLossWatch } from "./valkey/loss.ts";
import { createValkeyMetrics } from "./valkey/metrics.ts";
import { openSession } from "./valkey/open-session.ts";
import { publishEveryMs, publishToServers, subscribe } from "./valkey/publish.ts";
import { getAgent, listAgents } from "./valkey/read-agents.ts";
import { activeRollouts, advanceRollout } from "./valkey/rollouts/advance-rollout.ts";
import { stopRollout } from "./valkey/rollouts/cancel-rollout.ts";
import { createRollout, keyHolder } from "./valkey/rollouts/create-rollout.ts";
import { getRollout, listRollouts, rolloutResults, rolloutTargets } from "./valkey/rollouts/read-rollouts.ts";
import { leastLoadedAgents, selectAgents } from "./valkey/select-agents.ts";
import { depth, getCommand, listCommands } from "./valkey/read-commands.ts";
import { readOutput } from "./valkey/read-output.ts";
import { result } from "./valkey/result.ts";
import { beginServer, serverHeartbeat } from "./valkey/servers.ts";
import { agentSessions } from "./valkey/session-history.ts";
import { closeSession, heartbeat, updateProfile } from "./valkey/sessions.ts";
import { refused, started } from "./valkey/start-reports.ts";
import { sweepDue } from "./valkey/sweep.ts";
import { createValkey } from "./valkey/valkey.ts";
import { watchSource } from "./valkey/watch-source.ts";
import { createWatch, type ChangeHub } from "./watch.ts";

export interface ValkeyStoreOptions {
  target: ValkeyTarget;
  /** Before every key, such as `{cell-3}:`; default none, as documented. */
  prefix?: string;
  /** UUID of this process: sessions opened here are held under it. */
  serverId: string;
  log: Logger;
  metrics: Registry;
  clock: Clock;
  settings?: Partial<StoreSettings>;
  /** Whether and how other programs' commands are taken; null: not at all. */
  foreign: { companyId: string; defaultTimeoutMs: number; pollingIntervalMs: number } | null;
}

const pingMs = 2_000;

/**
 * The command store on Valkey or Redis, for one server process. Registers the server, and ends what is still open under
 * its id. A change is as durable as the server's `appendfsync` makes it. Rejects with `store_unavailable` when it is out
 * of reach, `store_refused` where it refuses the credentials.
 */
export async function createValkeyStore(o: ValkeyStoreOptions): Promise<CommandStore> {
  const { serverId, log, clock, prefix = "" } = o;
  const settings: StoreSettings = { ...defaultStoreSettings, ...o.settings };
  const metrics = createValkeyMetrics(o.metrics);
  const loss = createLossWatch({
    log,
    clock,
    lost: (count) => {
      metrics.lost(count);
      signals.sender.settleAll();
    },
  });
  const reconnected = (): void => {
    metrics.reconnected();
    loss.verify(valkey).catch((error: unknown) => {
      log.warn({ err: error }, "whether changes were lost couldn't be looked at; the feed is at the next sweep");
    });
  };
  const connection = await connectValkey(o.target, { name: "fleetwire-store", log, onReconnect: reconnected });
  const valkey = createValkey(connection.redis, prefix, settings);
  const watch = createWatch({ source: watchSource(valkey), log });
  const send = publishToServers(valkey);
  const signals = createSignals({ serverId, log, wakeUp: settings.wakeUp, coalesceMs: publishEveryMs, send });
  const hearing = await connectValkey(o.target, { name: "fleetwire-signals", log }).catch((error: unknown) => {
    connection.close();
    throw error;
  });
  const hub: ChangeHub = {
    ...watch.hub,
    changed: (events) => {
      loss.confirmed(events);
      watch.hub.changed(events);
    },
  };
  const context: StoreContext = { valkey, serverId, log, settings, loss, hub, signals: signals.sender };

  try {
    await checkServer(valkey, log);
    await beginServer(context);
    await subscribe(hearing.redis, channelOf(prefix, serverId), (text) => signals.receive(text));
  } catch (error) {
    connection.close();
    hearing.close();
    throw error;
  }
  const time = async (): Promise<Date> => {
    const [seconds, micros] = await valkey.command<[string, string]>("TIME");
    return new Date(Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000));
  };
  const foreign =
    o.foreign &&
    startForeignCommands({
      context,
      hearing: hearing.redis,
      now: createStoreTime({ time }, clock),
      ...o.foreign,
      counted: metrics.foreign,
    });

  return {
    enqueue: (command) => enqueue(context, command),
    get: (companyId, commandId) => getCommand(valkey, companyId, commandId),
    list: (query) => listCommands(valkey, query),
    cancel: (companyId, commandId) => cancelCommand(context, companyId, commandId),
    readOutput: (companyId, commandId, from, maxBytes) => readOutput(valkey, companyId, commandId, from, maxBytes),
    depth: () => depth(valkey),

    assign: (requests) => assignCommands(context, requests),
    agentsWithWork: (agentIds) => agentsWithWork(context, agentIds),
    started: (report) => started(context, report),
    refused: (report) => refused(context, report),
    ...inOrderOfOutput({
      appendOutput: (report) => appendOutput(context, report),
      result: (report) => result(context, report),
    }),
    pendingCancels: (agentId) => pendingCancels(context, agentId),
    sweep: (limit) => sweepDue(context, limit),

    openSession: (session) => openSession(context, session),
    heartbeat: (beats) => heartbeat(context, beats),
    updateProfile: (agentId, epoch, profile) => updateProfile(context, agentId, epoch, profile),
    closeSession: (agentId, epoch, reason, detail) => closeSession(context, agentId, epoch, reason, detail),
    agentSessions: (companyId, agentId, limit) =>
      agentSessions(valkey, companyId, agentId, { limit, ttlMs: settings.sessionTtlMs }),
    serverHeartbeat: () => serverHeartbeat(context),
    onSignal: (listener) => signals.onSignal(listener),

    createJoinToken: (token) => createJoinToken(valkey, token),
    listJoinTokens: (companyId) => listJoinTokens(valkey, companyId),
    revokeJoinToken: (companyId, tokenId) => revokeJoinToken(valkey, companyId, tokenId),
    enrol: (request) => enrol(valkey, request),
    agentKey: (agentId) => agentKey(valkey, agentId),
    getAgent: (companyId, agentId) => getAgent(valkey, companyId, agentId),
    listAgents: (query) => listAgents(valkey, query),
    selectAgents: (query) => selectAgents(valkey, query),
    leastLoadedAgents: (query) => leastLoadedAgents(valkey, query),
    revokeAgent: (companyId, agentId) => revokeAgent(context, companyId, agentId),
    requestDrain: (companyId, agentId, wanted) => requestDrain(context, companyId, agentId, wanted),
    putFacts: (agentId, facts) => putFacts(valkey, agentId, facts),
    onlineByFleet: () => onlineByFleet(valkey),

    createRollout: (rollout) => createRollout(valkey, rollout),
    advanceRollout: (rolloutId, limit) => advanceRollout(context, rolloutId, limit),
    activeRollouts: () => activeRollouts(valkey),
    getRollout: (companyId, rolloutId) => getRollout(valkey, companyId, rolloutId),
    listRollouts: (query) => listRollouts(valkey, query),
    stopRollout: (companyId, rolloutId, how) => stopRollout(context, companyId, rolloutId, how),
    rolloutResults: (query) => rolloutResults(valkey, query),
    rolloutTargets: (query) => rolloutTargets(valkey, query),
    keyHolder: (companyId, key) => keyHolder(valkey, companyId, key),

    readFeed: (cursor, limit, companyId) => readFeed(valkey, cursor, limit, companyId),
    feedEnd: () => feedEnd(valkey),
    watch: (commandId, listener) => watch.watch(commandId, listener),
    onFeed: (listener) => watch.onFeed(listener),

    ping: async () => {
      const late = new Promise<never>((_, reject) => {
        setTimeout(() => reject(unavailable(new Error(`no answer within ${pingMs} ms`))), pingMs).unref();
      });
      await Promise.race([valkey.command("PING"), late]);
    },
    time,
    cleanup: () => cleanup(valkey),
    close: async () => {
      await foreign?.stop();
      watch.close();
      await signals.close();
      hearing.close();
      connection.close();
    },
  };
}
