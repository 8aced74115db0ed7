import { cancelledByRollout, nextStep, type Rollout, type Standing, type Step } from "../../../rollouts/rollout.ts";
import type { AdvanceOutcome } from "../../command-store.ts";
import { unavailable } from "../../errors.ts";
import type { StoreContext } from "../context.ts";
import { commandTexts } from "../record.ts";
import type { Script } from "../script.ts";
import type { Valkey } from "../valkey.ts";
import { cancelQueued } from "./cancel-rollout.ts";
import { readRollouts } from "./rollout-record.ts";

/**
 * Queues the next targets' commands, if the rollout is where it was when that was decided.
 *
 * In:  1 rollout, 2 company, 3 next position then, 4 most errors it may have or '', 5 how many, 6 record and 7 state of the commands
 *      without their ids and what the clock adds, 8 type, 9 lane, 10 priority, 11 expiry in ms or ''.
 * Out: {'again'}, or {'queued', then command, agent and the server of its open session or '', for each}.
 *
 * Between the decision and this step commands can only have ended: there is no less room than was counted.
 */
const queueScript: Script = {
  name: "rollout-queue",
  kind: "intake",
  lua: `
local rollout, company, from, most, count = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local r = fields(K.rollout(rollout), 'status', 'next')
if r.status ~= 'running' or tonumber(r.next) ~= from then return {'again'} end
if most and tonumber(redis.call('HGET', K.rolloutCounts(rollout), 'errors') or 0) > most then return {'again'} end
local out = {'queued'}
for _, target in ipairs(redis.call('LRANGE', K.rolloutTargets(rollout), from, from + count - 1)) do
  local agent, id = string.match(target, '^(.*)\\n(.*)$')
  if redis.call('EXISTS', K.state(id), K.record(id)) == 0 then
    store({ command_id = id, company_id = company, agent_id = agent, type = ARGV[8], lane = ARGV[9], priority = tonumber(ARGV[10]),
      rollout_id = rollout }, ARGV[6], ARGV[7], tonumber(ARGV[11]))
    out[#out + 1], out[#out + 2], out[#out + 3] = id, agent, holderOf(agent)
  end
end
redis.call('HSET', K.rollout(rollout), 'next', from + count)
return out`,
};

/**
 * Ends a rollout, or, where it has ended, takes it out of the active ones when nothing of it lives any more; from then on it has a
 * time to live.
 *
 * In:  1 rollout, 2 'halted' or 'completed', or '' where it has ended.
 * Out: 1, or 0 where it isn't where it was when that was decided.
 */
const endScript: Script = {
  name: "rollout-end",
  kind: "settle",
  lua: `
local rollout, to = ARGV[1], ARGV[2]
local r = fields(K.rollout(rollout), 'company', 'status', 'next', 'targets', 'key')
local live = redis.call('SCARD', K.rolloutIn(rollout, 'queued')) + redis.call('SCARD', K.rolloutIn(rollout, 'assigned'))
if to == '' and r.status == 'running' or to ~= '' and r.status ~= 'running' then return 0 end
if to ~= 'halted' and live > 0 or to == 'completed' and r.next ~= r.targets then return 0 end
if to ~= '' then redis.call('HSET', K.rollout(rollout), 'status', to, 'finished', now) end
if live > 0 then return 1 end
redis.call('SREM', K.rolloutsActive(), rollout)
redis.call('ZADD', K.rolloutsEnded(), now, r.company .. '\\n' .. rollout)
-- Cleanup removes them when their time is over; this is for servers that never clean up again.
local ttl = RECORD_TTL + 86400000
redis.call('PEXPIRE', K.rollout(rollout), ttl)
redis.call('PEXPIRE', K.rolloutCounts(rollout), ttl)
redis.call('PEXPIRE', K.rolloutTargets(rollout), ttl)
if r.key ~= '' then redis.call('PEXPIRE', K.idempotency(r.company, r.key), ttl) end
return 1`,
};

const maxTries = 30;

/** Repeatable. Null where there is no such rollout. */
export async function advanceRollout(
  context: StoreContext,
  rolloutId: string,
  limit: number,
): Promise<AdvanceOutcome | null> {
  const { valkey } = context;
  for (let tries = 0; tries < maxTries; tries += 1) {
    const [rollout] = await readRollouts(valkey, [rolloutId]);
    if (!rollout) return null;
    const step = nextStep(await standingOf(valkey, rollout), limit);
    const outcome = await take(context, rollout, step, limit);
    if (outcome !== null) return outcome;
  }
  throw unavailable(new Error(`the rollout ${rolloutId} changes faster than it can be moved on`));
}

/** Null where something has changed since the look. */
async function take(
  context: StoreContext,
  rollout: Rollout,
  step: Step,
  limit: number,
): Promise<AdvanceOutcome | null> {
  const { valkey } = context;
  const { rolloutId, status, template } = rollout;
  const idle = { status, type: template.type, queued: 0, cancelled: 0, more: false, ended: null };
  switch (step.do) {
    case "wait":
      return idle;
    case "queue": {
      const queued = await queueNext(context, rollout, step.count);
      if (queued === null) return null;
      const { counts } = rollout;
      const live = { pending: counts.pending - step.count, live: counts.queued + counts.assigned + queued };
      const after = { ...(await standingOf(valkey, rollout)), ...live };
      return { ...idle, queued, more: nextStep(after, limit).do === "queue" };
    }
    case "halt": {
      if (!(await end(valkey, rolloutId, "halted"))) return null;
      const cancelled = await cancelQueued(context, rolloutId, cancelledByRollout.halted);
      return { ...idle, status: "halted", cancelled, ended: await nowOf(valkey, rollout) };
    }
    case "cancel": {
      const error = status === "halted" ? cancelledByRollout.halted : cancelledByRollout.stopped;
      return { ...idle, cancelled: await cancelQueued(context, rolloutId, error) };
    }
    case "complete":
      if (!(await end(valkey, rolloutId, "completed"))) return null;
      return { ...idle, status: "completed", ended: await nowOf(valkey, rollout) };
    case "settle":
      await end(valkey, rolloutId, "");
      return idle;
  }
}

async function queueNext(
  { valkey, hub, signals }: StoreContext,
  rollout: Rollout,
  count: number,
): Promise<number | null> {
  const { rolloutId, companyId, template, counts, maxErrors, expiresAt } = rollout;
  const { record, state } = commandTexts({ ...template, companyId, rolloutId, idempotencyKey: null });
  const [answer, ...queued] = await valkey.run<string[]>(
    queueScript,
    rolloutId,
    companyId,
    counts.targets - counts.pending,
    maxErrors ?? "",
    count,
    record,
    state,
    template.type,
    template.lane,
    template.priority,
    expiresAt?.getTime() ?? "",
  );
  if (answer === "again") return null;
  const woken = [];
  for (let n = 0; n < queued.length; n += 3) {
    const [commandId = "", agentId = "", holder = ""] = queued.slice(n, n + 3);
    hub.changed([{ kind: "state", commandId, status: "queued", revision: 1 }]);
    woken.push({ agentId, holder: holder || null });
  }
  signals.wake(woken);
  return woken.length;
}

async function end(valkey: Valkey, rolloutId: string, to: "halted" | "completed" | ""): Promise<boolean> {
  return (await valkey.run<number>(endScript, rolloutId, to)) === 1;
}

async function nowOf(valkey: Valkey, { rolloutId }: Rollout): Promise<Rollout | null> {
  return (await readRollouts(valkey, [rolloutId]))[0] ?? null;
}

async function standingOf(valkey: Valkey, rollout: Rollout): Promise<Standing> {
  const { status, counts, maxConcurrency, maxErrors, expiresAt } = rollout;
  const { pending, queued, assigned, errors } = counts;
  const expired = expiresAt !== null && expiresAt.getTime() <= (await storeNow(valkey));
  return { status, pending, queued, live: queued + assigned, errors, maxConcurrency, maxErrors, expired };
}

async function storeNow(valkey: Valkey): Promise<number> {
  const [seconds, microseconds] = await valkey.command<[string, string]>("TIME");
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
}

/** Those that a step may still change; and whether one would now. */
export async function activeRollouts(valkey: Valkey) {
  const ids = await valkey.command<string[]>("SMEMBERS", valkey.keys.rolloutsActive());
  const rollouts = await readRollouts(valkey, ids.toSorted());
  const active = rollouts.filter((rollout) => rollout !== null);
  return Promise.all(
    active.map(async (rollout) => ({
      rolloutId: rollout.rolloutId,
      status: rollout.status,
      due: nextStep(await standingOf(valkey, rollout), 1).do !== "wait",
    })),
  );
}
