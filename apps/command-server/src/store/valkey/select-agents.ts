import type { AgentProfile, AgentSelection, Candidate, LoadedCandidate, Page } from "../command-store.ts";
import { decodeId, toPage } from "../pages.ts";
import type { Script } from "./script.ts";
import type { Valkey } from "./valkey.ts";

/**
 * In:  1 company, 2 id after which to begin or '', 3 how many.
 * Out: for each agent in order: id, '1' where revoked, fleet, labels, types, concurrency, '1' where draining, '1' where connected,
 *      load1, its assigned commands, its queued commands.
 */
const pageScript: Script = {
  name: "agents-select",
  kind: "read",
  lua: `
local company = ARGV[1]
local ids = redis.call('ZRANGEBYLEX', K.agents(company), ARGV[2] == '' and '-' or '(' .. ARGV[2], '+', 'LIMIT', 0, ARGV[3])
local out = {}
for n, id in ipairs(ids) do
  local a = redis.call('HMGET', K.agent(id), 'revoked_at', 'fleet', 'labels', 'types', 'concurrency', 'draining')
  local s = redis.call('HMGET', K.session(id), 'connected', 'load1', 'drain_at')
  out[n] = {id, a[1] and '1' or '0', a[2] or '', a[3] or '{}', a[4] or '[]', a[5] or '1', (a[6] == '1' or s[3]) and '1' or '0',
    s[1] == '1' and '1' or '0', s[2] or '0', redis.call('ZCARD', K.assigned(id)),
    redis.call('ZCARD', K.queued(id, 'work', company)) + redis.call('ZCARD', K.queued(id, 'control', company))}
end
return out`,
};

type Row = [
  id: string,
  revoked: string,
  fleet: string,
  labels: string,
  types: string,
  concurrency: string,
  draining: string,
  connected: string,
  load1: string,
  assigned: number,
  queued: number,
];

const agentsPerStep = 500;

interface Found extends Candidate {
  load: number;
  queued: number;
  load1: number;
}

type Query = AgentSelection & { offering: string | null };

/** Ordered by agent id. Throws `invalid_cursor`. */
export async function selectAgents(
  valkey: Valkey,
  query: Query & { limit: number; cursor: string | null },
): Promise<Page<Candidate>> {
  const after = query.cursor === null ? "" : decodeId(query.cursor);
  const found: Found[] = [];
  for await (const candidate of walk(valkey, query, after)) {
    found.push(candidate);
    if (found.length > query.limit) break;
  }
  const page = toPage(found, query.limit, ({ agentId }) => agentId);
  return { ...page, items: page.items.map(toCandidate) };
}

/** The load is counted from the commands themselves: heartbeats say it up to some seconds late. */
export async function leastLoadedAgents(valkey: Valkey, query: Query & { limit: number }): Promise<LoadedCandidate[]> {
  const found: Found[] = [];
  for await (const candidate of walk(valkey, { ...query, online: true }, "")) {
    if (!candidate.draining) found.push(candidate);
  }
  const order = (a: Found, b: Found) =>
    a.load - b.load || a.queued - b.queued || a.load1 - b.load1 || (a.agentId < b.agentId ? -1 : 1);
  const least = found.toSorted(order).slice(0, query.limit);
  return least.map((candidate) => ({ ...toCandidate(candidate), load: candidate.load, queued: candidate.queued }));
}

async function* walk(valkey: Valkey, query: Query, after: string): AsyncGenerator<Found> {
  // Ten thousand agents mostly announce the same.
  const typesByText = new Map<string, AgentProfile["types"]>();
  for (let from = after; ;) {
    const rows = await valkey.run<Row[]>(pageScript, query.companyId, from, agentsPerStep);
    for (const row of rows) {
      const candidate = toFound(row, query, typesByText);
      if (candidate !== null) yield candidate;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < agentsPerStep) return;
    [from] = last;
  }
}

/** Null where the selection leaves it out. */
function toFound(row: Row, query: Query, typesByText: Map<string, AgentProfile["types"]>): Found | null {
  const [agentId, revoked, fleet, labelsText, typesText, concurrency, draining, connected, load1, assigned, queued] =
    row;
  const online = connected === "1";
  if (revoked === "1" || (query.fleet !== undefined && query.fleet !== fleet) || (query.online === true && !online))
    return null;
  const wanted = Object.entries(query.labels ?? {});
  if (wanted.length > 0) {
    const labels = JSON.parse(labelsText) as Record<string, string>;
    if (!wanted.every(([label, value]) => labels[label] === value)) return null;
  }
  const types = typesByText.get(typesText) ?? (JSON.parse(typesText) as AgentProfile["types"]);
  typesByText.set(typesText, types);
  if (query.capabilities?.every((wants) => types.some(({ type }) => type === wants)) === false) return null;
  const offer = types.find(({ type }) => type === query.offering);
  return {
    agentId,
    online,
    draining: draining === "1",
    offers: offer !== undefined,
    parametersSchema: offer?.parametersSchema ?? null,
    load: assigned / Math.max(1, Number(concurrency)),
    queued,
    load1: Number(load1),
  };
}

function toCandidate({ agentId, online, draining, offers, parametersSchema }: Found): Candidate {
  return { agentId, online, draining, offers, parametersSchema };
}
