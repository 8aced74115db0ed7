import { setTimeout as sleep } from "node:timers/promises";
import type { Server } from "@grpc/grpc-js";
import {
  createHttpServer,
  type Clock,
  type FastifyServer,
  type Health,
  type Logger,
  type TokenVerifier,
} from "@fleetwire/service";
import type { Registry } from "prom-client";
import { registerJoinTokenRoutes } from "./agents/join-tokens.ts";
import { registerAgentRoutes } from "./agents/routes.ts";
import { defaultSessionSettings, type SessionSettings } from "./agents/session-settings.ts";
import { createAgentSessions, type AgentSessionsHost } from "./agents/sessions.ts";
import { createCommandServiceHandlers } from "./commands/grpc-service.ts";
import { registerOutputRoutes } from "./commands/output-routes.ts";
import { registerCommandRoutes } from "./commands/routes.ts";
import type { CommandServerSettings } from "./config.ts";
import { allErrors } from "./errors.ts";
import { createOpenStreams } from "./event-stream.ts";
import { registerFeedRoutes } from "./feed/routes.ts";
import { createGrpcServer } from "./grpc-server.ts";
import { createHttpListener } from "./http-listener.ts";
import { createCommandServerMetrics } from "./metrics.ts";
import { explainTakenPort } from "./port-taken.ts";
import { createRolloutDriver } from "./rollouts/driver.ts";
import { createRolloutServiceHandlers } from "./rollouts/grpc-service.ts";
import { createPicker } from "./rollouts/pick.ts";
import { registerRolloutResultRoutes } from "./rollouts/result-routes.ts";
import { createRolloutLooks } from "./rollouts/rollout-looks.ts";
import { createRolloutMetrics } from "./rollouts/rollout-metrics.ts";
import { registerRolloutRoutes } from "./rollouts/routes.ts";
import type { CommandStore } from "./store/command-store.ts";
import { createStoreTime } from "./store/store-time.ts";
import { isLoopback, type TlsMaterial } from "./tls.ts";
import { version } from "./version.ts";

export interface CommandServerDeps {
  store: CommandStore;
  log: Logger;
  metrics: Registry;
  health: Health;
  clock: Clock;
  verifier: TokenVerifier;
  settings: CommandServerSettings;
  /** The id under which the store knows this server; the same that the store was opened with. */
  serverId: string;
  /** Null: plain, for loopback. */
  tls: TlsMaterial | null;
}

export interface CommandServer {
  readonly http: FastifyServer;
  readonly grpc: Server;
  readonly sessions: AgentSessionsHost;
  /** Begins to serve. Rejects with PortTakenError, or as the system says. */
  listen(): Promise<{ httpUrl: string; grpcAddress: string }>;
  /**
   * Ends in order: not ready; after the drain delay agents told to go, followers ended, no more requests, reports
   * flushed. The store stays open; close it after.
   */
  stop(): Promise<void>;
}

const closeGraceMs = 5_000;

/** The command-server on what it is given. Never listens by itself. */
export async function createCommandServer(deps: CommandServerDeps): Promise<CommandServer> {
  const { store, log, clock, health, verifier, settings, tls } = deps;
  const streams = createOpenStreams(settings.maxStreams);
  const metrics = createCommandServerMetrics(deps.metrics, { store, openStreams: () => streams.count() });
  const following = { store, streams, heartbeatMs: settings.streamHeartbeat, stallMs: settings.streamStall };
  const queueing = {
    store,
    storeTime: createStoreTime(store, clock),
    metrics,
    defaultTimeoutMs: settings.defaultTimeout,
  };
  const rolloutMetrics = createRolloutMetrics(deps.metrics, metrics);
  const driver = createRolloutDriver({ store, log, metrics: rolloutMetrics });
  const rollouts = { ...queueing, log, picker: createPicker(store), begun: (id: string) => driver.begun(id) };
  const rolloutFaces = { rollouts, metrics: rolloutMetrics, looks: createRolloutLooks(store) };
  health.register("store", () => store.ping());

  const http = await createHttpServer({
    service: "command-server",
    title: "Fleetwire command-server",
    version,
    log,
    metrics: deps.metrics,
    health,
    verifier,
    errors: allErrors,
    docs: settings.docs,
    metricsPublic: settings.metricsPublic,
    closeGraceMs,
  });
  registerCommandRoutes(http, rollouts);
  registerOutputRoutes(http, following);
  registerRolloutRoutes(http, { ...rolloutFaces, ...following });
  registerRolloutResultRoutes(http, { store });
  registerAgentRoutes(http, { store });
  registerJoinTokenRoutes(http, { store });
  registerFeedRoutes(http, following);

  const sessions = createAgentSessions({
    store,
    log,
    metrics: deps.metrics,
    clock,
    serverId: deps.serverId,
    settings: sessionSettings(settings),
  });
  const grpc = createGrpcServer({
    agents: sessions.handlers,
    commands: createCommandServiceHandlers({ ...queueing, ...following, verifier, log }),
    rollouts: createRolloutServiceHandlers({ ...rolloutFaces, ...following, verifier }),
    health,
    tls,
  });
  const listener = createHttpListener(http, tls);

  return {
    http,
    grpc: grpc.server,
    sessions,
    async listen() {
      const grpcPort = await explainTakenPort("COMMAND_SERVER_GRPC_PORT", settings.grpcPort, () =>
        grpc.listen(settings.grpcHost, settings.grpcPort),
      );
      const port = await explainTakenPort("COMMAND_SERVER_PORT", settings.port, () =>
        listener.listen(settings.host, settings.port),
      );
      sessions.start();
      driver.start();
      const scheme = tls === null ? "http" : "https";
      return {
        httpUrl: `${scheme}://${hostInUrl(settings.host)}:${port}`,
        grpcAddress: `${hostInUrl(settings.grpcHost)}:${grpcPort}`,
      };
    },
    async stop() {
      health.setStopping();
      grpc.setStopping();
      // Whoever balances load needs a moment to see it; what comes meanwhile is served, on connections that end with it.
      http.announceClose();
      await sleep(drainDelayMs(settings));
      await sessions.goAway({ withinMs: settings.goAway });
      streams.stop();
      await listener.close(closeGraceMs);
      await driver.stop();
      await sessions.close();
      await grpc.close(closeGraceMs);
    },
  };
}

function sessionSettings(settings: CommandServerSettings): SessionSettings {
  const { lostAfter } = settings;
  return {
    ...defaultSessionSettings,
    pollingIntervalMs: settings.pollingInterval,
    batchSize: settings.batchSize,
    cleanupIntervalMs: settings.cleanupInterval,
    heartbeatIntervalMs: Math.min(defaultSessionSettings.heartbeatIntervalMs, Math.floor(lostAfter / 3)),
    // Before the store takes the session for lost.
    heartbeatTimeoutMs: Math.min(defaultSessionSettings.heartbeatTimeoutMs, Math.floor((lostAfter * 5) / 6)),
    heartbeatFlushMs: Math.min(defaultSessionSettings.heartbeatFlushMs, Math.floor(lostAfter / 15)),
  };
}

/** On loopback nothing balances load, and whoever stops the server waits for it. */
function drainDelayMs({ drainDelay, host, grpcHost }: CommandServerSettings): number {
  return drainDelay ?? (isLoopback(host) && isLoopback(grpcHost) ? 0 : 5_000);
}

/** An address that a client on this machine can use: the wildcard isn't one. */
function hostInUrl(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
