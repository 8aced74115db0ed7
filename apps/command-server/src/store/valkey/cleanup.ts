import type { Script } from "./script.ts";
import type { Valkey } from "./valkey.ts";

const commandsPerStep = 200;
const entriesPerStep = 1_000;
const stepsPerRound = 5;

/**
 * Takes commands that ended before the record's keep out of the lists; their records have a time to live, and go here
 * at the latest. Out: how many.
 */
const commandsScript: Script = {
  name: "cleanup-commands",
  kind: "settle",
  lua: `
local old = redis.call('ZRANGEBYSCORE', K.finished(), '-inf', now - RECORD_TTL, 'LIMIT', 0, ${commandsPerStep})
for _, entry in ipairs(old) do
  local agent, company, id = string.match(entry, '^(.-)\\n(.-)\\n(.*)$')
  redis.call('ZREM', K.finished(), entry)
  redis.call('ZREM', K.byCompany(company), id)
  redis.call('ZREM', K.byAgent(agent, company), id)
  redis.call('UNLINK', K.record(id), K.state(id), K.result(id), K.listed(agent, id))
end
return #old`,
};

/** The same for rollouts. */
const rolloutsScript: Script = {
  name: "cleanup-rollouts",
  kind: "settle",
  lua: `
local old = redis.call('ZRANGEBYSCORE', K.rolloutsEnded(), '-inf', now - RECORD_TTL, 'LIMIT', 0, ${commandsPerStep})
for _, entry in ipairs(old) do
  local company, id = string.match(entry, '^(.-)\\n(.*)$')
  local key = redis.call('HGET', K.rollout(id), 'key')
  if key and key ~= '' then redis.call('UNLINK', K.idempotency(company, key)) end
  redis.call('ZREM', K.rolloutsEnded(), entry)
  redis.call('ZREM', K.rolloutsOf(company), id)
  redis.call('UNLINK', K.rollout(id), K.rolloutCounts(id), K.rolloutTargets(id), K.rolloutIn(id, 'queued'), K.rolloutIn(id, 'assigned'))
end
return #old`,
};

/** Removes the oldest entries, as far as they are too old or too many, up to the first that isn't. Out: how many. */
const feedScript: Script = {
  name: "cleanup-feed",
  kind: "settle",
  lua: `
local newest = tonumber(redis.call('GET', K.feedNumber()) or 0)
local removed, last, number = 0, nil, nil
for _, entry in ipairs(redis.call('XRANGE', K.feed(), '-', '+', 'COUNT', ${entriesPerStep})) do
  local n, at = tonumber(entry[2][2]), tonumber(string.match(entry[1], '^%d+'))
  if at >= now - FEED_MAX_AGE and n > newest - FEED_MAX_ENTRIES then break end
  removed, last, number = removed + 1, entry[1], n
  redis.call('XDEL', K.feed(), entry[1])
end
if last then redis.call('HSET', K.feedFloor(), 'id', last, 'n', number) end
return removed`,
};

/** One round of each; repeatable. */
export async function cleanup(valkey: Valkey): Promise<{ commands: number; feed: number; more: boolean }> {
  const commands = await rounds(() => valkey.run<number>(commandsScript), commandsPerStep);
  const feed = await rounds(() => valkey.run<number>(feedScript), entriesPerStep);
  const rollouts = await rounds(() => valkey.run<number>(rolloutsScript), commandsPerStep);
  return { commands: commands.done, feed: feed.done, more: commands.more || feed.more || rollouts.more };
}

async function rounds(step: () => Promise<number>, full: number): Promise<{ done: number; more: boolean }> {
  let done = 0;
  for (let n = 0; n < stepsPerRound; n += 1) {
    const count = await step();
    done += count;
    if (count < full) return { done, more: false };
  }
  return { done, more: true };
}
