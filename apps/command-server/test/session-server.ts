import { createHash, randomUUID } from "node:crypto";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { AgentService } from "@fleetwire/proto";
import { createLogger, createMetrics, systemClock } from "@fleetwire/service";
import { createAgentSessions, type AgentSessionsHost } from "../src/agents/sessions.ts";
import type { SessionSettings } from "../src/agents/session-settings.ts";
import type { CommandStore, NewCommand } from "../src/store/command-store.ts";
import { newCommand } from "./command-store/fixture.ts";
import { enrol, newIdentity, WireStream, type WireIdentity } from "./wire-agent.ts";
import type { HelloInput, Welcome } from "@fleetwire/proto";

/** The agents' side of a server on a free port, over a real store. */
export interface SessionServer {
  address: string;
  host: AgentSessionsHost;
  store: CommandStore;
  /** Lines of the log, parsed. */
  log: Record<string, unknown>[];
  metric(name: string, labels?: Record<string, string>): Promise<number>;
  /** A new agent that has enrolled. */
  agent(agentId?: string): Promise<WireIdentity>;
  /** Connects an agent and brings it to Welcome. */
  connect(identity: WireIdentity, hello?: Partial<HelloInput>): Promise<{ stream: WireStream; welcome: Welcome }>;
  /** Queues a command for an agent and gives its id. */
  queue(agentId: string, change?: Partial<NewCommand>): Promise<string>;
  close(): Promise<void>;
}

export const companyId = "default";

/** `queue` and `agent` number ids, so that a test sees which is which. */
export async function startSessionServer(o: {
  store: CommandStore;
  serverId: string;
  settings?: Partial<SessionSettings>;
}): Promise<SessionServer> {
  const { store } = o;
  const log: Record<string, unknown>[] = [];
  const metrics = createMetrics({ service: "command-server" });
  const host = createAgentSessions({
    store,
    log: createLogger({
      service: "command-server",
      level: "debug",
      destination: { write: (line: string) => void log.push(JSON.parse(line)) },
    }),
    metrics,
    clock: systemClock,
    serverId: o.serverId,
    settings: { flushGraceMs: 200, ...o.settings },
  });
  const server = new Server();
  server.addService(AgentService.service, host.handlers);
  const port = await listen(server);
  const address = `127.0.0.1:${port}`;
  host.start();
  const streams: WireStream[] = [];

  async function agent(agentId = `agent-${randomUUID()}`): Promise<WireIdentity> {
    const identity = newIdentity(agentId);
    const joinToken = `join-${randomUUID()}`;
    await store.createJoinToken({
      tokenId: randomUUID(),
      companyId,
      tokenHash: createHash("sha256").update(joinToken).digest("hex"),
      fleet: "test",
      agentId: null,
      uses: 1,
      ttlMs: 60_000,
      createdBy: "operator:test",
    });
    await enrol(address, identity, joinToken);
    return identity;
  }

  async function connect(identity: WireIdentity, hello: Partial<HelloInput> = {}) {
    const stream = new WireStream(address);
    streams.push(stream);
    await stream.hello(identity, hello);
    return { stream, welcome: await stream.next("welcome") };
  }

  async function queue(agentId: string, change: Partial<NewCommand> = {}): Promise<string> {
    const type = change.type ?? "SHELL";
    const outcome = await store.enqueue({ ...commandFor(agentId, type), ...change });
    if (outcome.kind !== "queued") throw new Error(`the command wasn't queued: ${outcome.kind}`);
    return outcome.commandId;
  }

  async function metric(name: string, labels: Record<string, string> = {}): Promise<number> {
    const found = await metrics.getSingleMetric(name)?.get();
    const value = found?.values.find((one) =>
      Object.entries(labels).every(([key, label]) => one.labels[key] === label),
    );
    return value?.value ?? 0;
  }

  async function close(): Promise<void> {
    for (const stream of streams) stream.close();
    await host.close();
    server.forceShutdown();
  }

  return { address, host, store, log, metric, agent, connect, queue, close };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(error);
      else resolve(port);
    });
  });
}

function commandFor(agentId: string, type: string): NewCommand {
  const command = type === "SHELL" ? "true" : null;
  return newCommand({ companyId, agentId, type, command, allowUnknownAgent: false });
}
