import { fileURLToPath } from "node:url";
import type { Database } from "@fleetwire/database";
import type { Logger } from "@fleetwire/service";
import type { CommandStore } from "./command-store.ts";
import { advanceRollout } from "./postgres/advance-rollout.ts";
import { createAgentKey, createOnlineByFleet, putFacts, requestDrain, revokeAgent } from "./postgres/agents.ts";
import { createAppendOutput } from "./postgres/append-output.ts";
import { agentsWithWork, assignCommands, pendingCancels } from "./postgres/assign.ts";
import { cancelCommand } from "./postgres/cancel.ts";
import { stopRollout } from "./postgres/cancel-rollout.ts";
import { cleanup } from "./postgres/cleanup.ts";
import { prepareConnections } from "./postgres/connections.ts";
import type { StoreContext } from "./postgres/context.ts";
import { createRollout, keyHolder } from "./postgres/create-rollout.ts";
import { createEnqueue } from "./postgres/enqueue.ts";
import { createEnrol } from "./postgres/enrol.ts";
import { feedEnd, readFeed } from "./postgres/feed.ts";
import { createJoinToken, listJoinTokens, revokeJoinToken } from "./postgres/join-tokens.ts";
import { channelOf, notifyEveryMs, notifyServers } from "./postgres/notify.ts";
import { createOpenSession } from "./postgres/open-session.ts";
import { createPrismaReads } from "./postgres/prisma-reads.ts";
import { getAgent, listAgents } from "./postgres/read-agents.ts";
import { createDepth, getCommand, listCommands } from "./postgres/read-commands.ts";
import { readOutput } from "./postgres/read-output.ts";
import { listRollouts, readRollout, rolloutResults, rolloutTargets } from "./postgres/read-rollouts.ts";
import { createResult } from "./postgres/result.ts";
import { activeRollouts } from "./postgres/rollout-standing.ts";
import { leastLoadedAgents, selectAgents } from "./postgres/select-agents.ts";
import { beginServer, serverHeartbeat, storeTime } from "./postgres/servers.ts";
import { agentSessions } from "./postgres/session-log.ts";
import { createCloseSession, createHeartbeat, updateProfile } from "./postgres/sessions.ts";
import { unavailable } from "./errors.ts";
import { defaultStoreSettings, type StoreSettings } from "./settings.ts";
import { createSql } from "./postgres/sql.ts";
import { createRefused, createStarted } from "./postgres/start-reports.ts";
import { sweepDue } from "./postgres/sweep.ts";
import { watchSource } from "./postgres/watch-source.ts";
import { inOrderOfOutput } from "./report-order.ts";
import { createSignals } from "./signals.ts";
import { createWatch } from "./watch.ts";

/** For `migrate` of @fleetwire/database. */
export const migrationsDirectory = fileURLToPath(new URL("../../prisma/migrations", import.meta.url));

export interface PostgresStoreOptions {
  /** Migrated, and closed by whoever opened it, after the store. */
  database: Database;
  /** UUID of this process: sessions opened here are held under it. */
  serverId: string;
  log: Logger;
  settings?: Partial<StoreSettings>;
}

/**
 * The command store on PostgreSQL, for one server process. Registers the server, and ends what is still open under its
 * id. Rejects with `store_unavailable` when the database is out of reach.
 */
export async function createPostgresStore(o: PostgresStoreOptions): Promise<CommandStore> {
  const { database, serverId, log } = o;
  const settings: StoreSettings = { ...defaultStoreSettings, ...o.settings };
  const sql = createSql(database);
  const reads = createPrismaReads(database);
  const watch = createWatch({ source: watchSource(sql), log });
  const signals = createSignals({
    serverId,
    log,
    wakeUp: settings.wakeUp,
    coalesceMs: notifyEveryMs,
    send: notifyServers(sql),
  });
  const context: StoreContext = { sql, serverId, log, settings, hub: watch.hub, signals: signals.sender };

  await prepareConnections(database).catch((error: unknown) => Promise.reject(unavailable(error)));
  await beginServer(context);
  const listener = await database.listen([channelOf(serverId)], ({ payload }) => signals.receive(payload));

  return {
    enqueue: createEnqueue(context),
    get: (companyId, commandId) => getCommand(sql, companyId, commandId),
    list: (query) => listCommands(sql, query),
    cancel: (companyId, commandId) => cancelCommand(context, companyId, commandId),
    readOutput: (companyId, commandId, from, maxBytes) => readOutput(sql, companyId, commandId, from, maxBytes),
    depth: createDepth(sql),

    assign: (requests) => assignCommands(context, requests),
    agentsWithWork: (agentIds) => agentsWithWork(context, agentIds),
    started: createStarted(context),
    refused: createRefused(context),
    ...inOrderOfOutput({ appendOutput: createAppendOutput(context), result: createResult(context) }),
    pendingCancels: (agentId) => pendingCancels(context, agentId),
    sweep: (limit) => sweepDue(context, limit),

    openSession: createOpenSession(context),
    heartbeat: createHeartbeat(context),
    updateProfile: (agentId, epoch, profile) => updateProfile(context, agentId, epoch, profile),
    closeSession: createCloseSession(context),
    agentSessions: (companyId, agentId, limit) => agentSessions(sql, companyId, agentId, limit),
    serverHeartbeat: () => serverHeartbeat(context),
    onSignal: (listener) => signals.onSignal(listener),

    createJoinToken: (token) => createJoinToken(sql, token),
    listJoinTokens: (companyId) => listJoinTokens(reads, companyId),
    revokeJoinToken: (companyId, tokenId) => revokeJoinToken(sql, companyId, tokenId),
    enrol: createEnrol(context),
    agentKey: createAgentKey(sql),
    getAgent: (companyId, agentId) => getAgent(reads, companyId, agentId),
    listAgents: (query) => listAgents(reads, query),
    selectAgents: (query) => selectAgents(sql, query),
    leastLoadedAgents: (query) => leastLoadedAgents(sql, query),
    revokeAgent: (companyId, agentId) => revokeAgent(context, companyId, agentId),
    requestDrain: (companyId, agentId, wanted) => requestDrain(context, companyId, agentId, wanted),
    putFacts: (agentId, facts) => putFacts(sql, agentId, facts),
    onlineByFleet: createOnlineByFleet(sql),

    createRollout: (rollout) => createRollout(sql, rollout),
    advanceRollout: (rolloutId, limit) => advanceRollout(context, rolloutId, limit),
    activeRollouts: () => activeRollouts(sql),
    getRollout: (companyId, rolloutId) => readRollout(sql.rows, rolloutId, companyId),
    listRollouts: (query) => listRollouts(sql, query),
    stopRollout: (companyId, rolloutId, how) => stopRollout(context, companyId, rolloutId, how),
    rolloutResults: (query) => rolloutResults(sql, query),
    rolloutTargets: (query) => rolloutTargets(sql, query),
    keyHolder: (companyId, key) => keyHolder(sql, companyId, key),

    readFeed: (cursor, limit, companyId) => readFeed(sql, cursor, limit, companyId),
    feedEnd: () => feedEnd(sql),
    watch: (commandId, listener) => watch.watch(commandId, listener),
    onFeed: (listener) => watch.onFeed(listener),

    ping: () => database.ping().catch((error: unknown) => Promise.reject(unavailable(error))),
    time: () => storeTime(sql),
    cleanup: () => cleanup(sql, settings),
    close: async () => {
      watch.close();
      await listener.close();
      await signals.close();
      await reads.close();
    },
  };
}
