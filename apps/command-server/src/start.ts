import {
  createHealth,
  createMetrics,
  createTokenFileVerifier,
  systemClock,
  type Clock,
  type Lifecycle,
  type Logger,
} from "@fleetwire/service";
import type { Registry } from "prom-client";
import type { CommandServerSettings } from "./config.ts";
import { ensureOperatorToken, tokenFileIn } from "./home.ts";
import { createCommandServer, type CommandServer } from "./service.ts";
import { newId } from "./new-id.ts";
import { openStore } from "./open-store.ts";
import type { CommandStore } from "./store/command-store.ts";
import { readTls, refuseClearText, type TlsMaterial } from "./tls.ts";

export interface StartOptions {
  settings: CommandServerSettings;
  log: Logger;
  /** Everything that is opened here is closed by it, in reverse order. */
  lifecycle: Lifecycle;
  clock?: Clock;
}

export interface RunningCommandServer {
  server: CommandServer;
  store: CommandStore;
  metrics: Registry;
  httpUrl: string;
  grpcAddress: string;
  /** An operator's token for the home's own token file; null where AUTH_TOKEN_FILE names another. */
  operatorToken: string | null;
}

/** Opens what the settings name, from the database upwards, and listens. For main.ts and for whoever runs services together. */
export async function startCommandServer(options: StartOptions): Promise<RunningCommandServer> {
  const { settings, log, lifecycle, clock = systemClock } = options;
  const tls = await openTls(settings);
  const metrics = createMetrics({ service: "command-server" });
  const serverId = newId();

  const operatorToken = settings.authTokenFile === undefined ? await ensureOperatorToken(settings.home) : null;
  const verifier = await createTokenFileVerifier({ path: settings.authTokenFile ?? tokenFileIn(settings.home), log });
  lifecycle.onStop("token verifier", () => verifier.close());

  const store = await openStore({ settings, serverId, log, metrics, clock, lifecycle });

  const health = createHealth();
  const server = await createCommandServer({ store, log, metrics, health, clock, verifier, settings, serverId, tls });
  lifecycle.onStop("command-server", () => server.stop());
  const { httpUrl, grpcAddress } = await server.listen();
  return { server, store, metrics, httpUrl, grpcAddress, operatorToken };
}

async function openTls(settings: CommandServerSettings): Promise<TlsMaterial | null> {
  const { tlsCert: cert, tlsKey: key, tlsCa: ca } = settings;
  if ((cert === undefined) !== (key === undefined) || (ca !== undefined && cert === undefined)) {
    throw new Error(
      "COMMAND_SERVER_TLS_CERT and COMMAND_SERVER_TLS_KEY belong together; COMMAND_SERVER_TLS_CA needs both.",
    );
  }
  const hosts = [
    { setting: "COMMAND_SERVER_HOST", host: settings.host },
    { setting: "COMMAND_SERVER_GRPC_HOST", host: settings.grpcHost },
  ];
  refuseClearText(hosts, cert !== undefined);
  return cert === undefined || key === undefined ? null : readTls({ cert, key, ca });
}
