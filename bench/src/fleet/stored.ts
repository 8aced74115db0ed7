import { Redis } from "ioredis";
import { Client } from "pg";
import type { BenchSystem } from "./system.ts";

const perStep = 2_000;

/**
 * Copies of one ended command, so many, made in the store itself: what a long time of use leaves behind.
 * `commandId` is one that has ended.
 */
export async function storeEnded(system: BenchSystem, commandId: string, count: number): Promise<void> {
  if (system.kind === "valkey") await inValkey(system.storeUrl, commandId, count);
  else await inPostgres(system.storeUrl, commandId, count);
}

/** Records, state, result and the entries of the lists, as `finish` leaves them. */
const copy = `
local id, from, to = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local state = redis.call('GET', 'command:status:' .. id)
local st = cjson.decode(state)
local record, result = redis.call('GET', 'command:queue:' .. id), redis.call('GET', 'cmd:result:' .. id)
local agent, company, ttl = st.agent_id, st.company_id, redis.call('PTTL', 'command:status:' .. id)
local plain = string.gsub(id, '%-', '%%-')
for n = from, to do
  local new = 'copy-' .. n
  local function renamed(text) return (string.gsub(text, plain, new)) end
  redis.call('SET', 'command:queue:' .. new, renamed(record), 'PX', ttl)
  redis.call('SET', 'command:status:' .. new, renamed(state), 'PX', ttl)
  redis.call('SET', 'cmd:result:' .. new, renamed(result), 'PX', ttl)
  redis.call('SET', 'agent:' .. agent .. ':command:list:' .. new, new, 'PX', ttl)
  redis.call('ZADD', 'fw:commands:' .. company, st.seq, new)
  redis.call('ZADD', 'fw:agent-commands:' .. agent .. ':' .. company, st.seq, new)
  redis.call('ZADD', 'fw:finished', st.finished_ms, agent .. '\\n' .. company .. '\\n' .. new)
end`;

async function inValkey(url: string, commandId: string, count: number): Promise<void> {
  const redis = new Redis(url);
  for (let from = 1; from <= count; from += perStep)
    await redis.eval(copy, 0, commandId, from, Math.min(count, from + perStep - 1));
  redis.disconnect();
}

async function inPostgres(url: string, commandId: string, count: number): Promise<void> {
  const target = new URL(url);
  target.pathname = "/fleetwire_command_server";
  const client = new Client({ connectionString: target.href });
  await client.connect();
  const { rows } = await client.query<{ column_name: string }>(
    "SELECT column_name FROM information_schema.columns WHERE table_name = 'commands' AND column_name NOT IN ('id', 'seq')",
  );
  const columns = rows.map(({ column_name }) => `"${column_name}"`).join(", ");
  await client.query(
    `INSERT INTO commands (id, ${columns}) SELECT 'copy-' || n, ${columns} FROM commands, generate_series(1, $2::int) n WHERE id = $1`,
    [commandId, count],
  );
  await client.query("ANALYZE commands");
  await client.end();
}
