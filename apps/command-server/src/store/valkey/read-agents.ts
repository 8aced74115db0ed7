import type { JsonObject } from "../../commands/command.ts";
import { disconnectReasons, type Agent, type DisconnectReason, type DrainReason, type Page } from "../command-store.ts";
import type { AgentRecords } from "../port/agents.ts";
import { decodeId, toPage } from "../pages.ts";
import type { Script } from "./script.ts";
import type { Valkey } from "./valkey.ts";

// prettier-ignore
const agentFields = [
  "company", "fleet", "labels", "types", "concurrency", "hostname", "platform", "version", "draining", "facts", "facts_at",
  "enrolled_at", "revoked_at",
] as const;
// prettier-ignore
const sessionFields = [
  "epoch", "server", "connected", "seen", "connected_at", "disconnected_at", "reason", "detail", "running", "load1", "free", "drain_at",
] as const;

const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(", ");

/** In: agents. Out: for each the values of its two hashes' fields, '' for what isn't there. */
const readScript: Script = {
  name: "agents-read",
  kind: "read",
  lua: `
local out = {}
for n = 1, #ARGV do
  out[n] = {redis.call('HMGET', K.agent(ARGV[n]), ${quoted(agentFields)}), redis.call('HMGET', K.session(ARGV[n]), ${quoted(sessionFields)})}
end
return out`,
};

type Row = [agent: (string | null)[], session: (string | null)[]];

const agentsPerStep = 200;

export async function getAgent(valkey: Valkey, companyId: string, agentId: string): Promise<Agent | null> {
  const [agent] = await readAgents(valkey, [agentId]);
  return agent?.companyId === companyId ? agent : null;
}

/** Ordered by agent id. Throws `invalid_cursor`. A page costs what it shows and what its filters skip. */
export async function listAgents(
  valkey: Valkey,
  query: Parameters<AgentRecords["listAgents"]>[0],
): Promise<Page<Agent>> {
  const { companyId, limit, cursor } = query;
  let after = cursor === null ? null : decodeId(cursor);
  const found: Agent[] = [];
  for (;;) {
    const from = after === null ? "-" : `(${after}`;
    const ids = await valkey.command<string[]>(
      ...(["ZRANGEBYLEX", valkey.keys.agents(companyId), from, "+", "LIMIT", 0, agentsPerStep] as const),
    );
    for (const agent of await readAgents(valkey, ids)) {
      if (agent !== null && matches(agent, query)) found.push(agent);
    }
    after = ids.at(-1) ?? null;
    if (found.length > limit || ids.length < agentsPerStep) return toPage(found, limit, ({ agentId }) => agentId);
  }
}

function matches(agent: Agent, query: Parameters<AgentRecords["listAgents"]>[0]): boolean {
  if (query.fleet !== undefined && agent.fleet !== query.fleet) return false;
  if (query.status !== undefined && agent.status !== query.status) return false;
  return Object.entries(query.labels ?? {}).every(([label, value]) => agent.labels[label] === value);
}

async function readAgents(valkey: Valkey, ids: readonly string[]): Promise<(Agent | null)[]> {
  if (ids.length === 0) return [];
  const rows = await valkey.run<Row[]>(readScript, ...ids);
  return rows.map((row, n) => toAgent(ids[n] ?? "", row));
}

function toAgent(agentId: string, [agentValues, sessionValues]: Row): Agent | null {
  const a = (name: (typeof agentFields)[number]) => agentValues[agentFields.indexOf(name)] ?? null;
  const s = (name: (typeof sessionFields)[number]) => sessionValues[sessionFields.indexOf(name)] ?? null;
  const companyId = a("company");
  if (companyId === null) return null;
  const revoked = a("revoked_at") !== null;
  const online = !revoked && s("connected") === "1";
  const [running, load1, free] = [s("running"), s("load1"), s("free")];
  const facts = a("facts");
  const drainReasons: DrainReason[] = [
    ...(s("drain_at") === null ? [] : ["operator" as const]),
    ...(a("draining") === "1" ? ["agent" as const] : []),
  ];
  return {
    agentId,
    companyId,
    fleet: a("fleet") ?? "",
    labels: JSON.parse(a("labels") ?? "{}") as Record<string, string>,
    types: JSON.parse(a("types") ?? "[]") as Agent["types"],
    concurrency: Number(a("concurrency") ?? 1),
    hostname: a("hostname") ?? "",
    platform: a("platform") ?? "",
    version: a("version") ?? "",
    facts: facts === null ? null : (JSON.parse(facts) as JsonObject),
    factsAt: instant(a("facts_at")),
    status: revoked ? "revoked" : online ? "online" : "offline",
    draining: drainReasons.length > 0,
    drainReasons,
    drainRequestedAt: instant(s("drain_at")),
    epoch: Number(s("epoch") ?? 0),
    serverId: online ? s("server") : null,
    enrolledAt: new Date(Number(a("enrolled_at"))),
    connectedAt: instant(s("connected_at")),
    lastSeenAt: instant(s("seen")),
    disconnectedAt: instant(s("disconnected_at")),
    disconnectReason: reasonOf(s("reason")),
    disconnectDetail: s("detail"),
    load:
      running === null || load1 === null || free === null
        ? null
        : { running: Number(running), load1: Number(load1), freeMemoryBytes: Number(free) },
  };
}

function instant(ms: string | null): Date | null {
  return ms === null ? null : new Date(Number(ms));
}

export function reasonOf(text: string | null): DisconnectReason | null {
  return disconnectReasons.find((reason) => reason === text) ?? null;
}
