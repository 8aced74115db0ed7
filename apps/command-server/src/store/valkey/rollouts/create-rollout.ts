import { FleetwireError } from "@fleetwire/service";
import type { CreateRolloutOutcome, KeyHolder, NewRollout } from "../../command-store.ts";
import { storeErrors } from "../../errors.ts";
import type { Script } from "../script.ts";
import type { Valkey } from "../valkey.ts";
import { readRollouts, recordText } from "./rollout-record.ts";

/**
 * Stores a rollout with its targets.
 *
 * In:  1 rollout, 2 company, 3 record, 4 idempotency key or '', 5 hash of its body, then agent and command of each target.
 * Out: {'created'}, {'taken'}: another company's rollout has the id, {'key_reused'}, or {'duplicate', rollout}.
 */
const createScript: Script = {
  name: "rollout-create",
  kind: "intake",
  lua: `
local id, company, record, key, hash = unpack(ARGV, 1, 5)
local owner = redis.call('HGET', K.rollout(id), 'company')
if owner then return {owner == company and 'created' or 'taken'} end
if key ~= '' then
  local known, kind, other = holder(company, key)
  if known and (kind == 'command' or known ~= hash) then return {'key_reused'} end
  if known then return {'duplicate', other} end
  redis.call('SET', K.idempotency(company, key), hash .. ' rollout:' .. id)
end
local targets = {}
for n = 6, #ARGV, 2 do
  targets[#targets + 1] = ARGV[n] .. '\\n' .. ARGV[n + 1]
  if #targets == 1000 or n + 1 == #ARGV then
    redis.call('RPUSH', K.rolloutTargets(id), unpack(targets))
    targets = {}
  end
end
redis.call('HSET', K.rollout(id), 'company', company, 'status', 'running', 'record', record, 'key', key, 'created', now,
  'targets', (#ARGV - 5) / 2, 'next', 0)
redis.call('ZADD', K.rolloutsOf(company), 0, id)
redis.call('SADD', K.rolloutsActive(), id)
return {'created'}`,
};

/** In: 1 company, 2 key. Out: {} or {hash, 'command' or 'rollout', id}. */
const holderScript: Script = {
  name: "key-holder",
  kind: "read",
  lua: `
local hash, kind, id = holder(ARGV[1], ARGV[2])
return hash and {hash, kind, id} or {}`,
};

type Answer = ["created" | "taken" | "key_reused"] | ["duplicate", string];

/** Repeatable. Rejects with `unstorable_text`, and with `command_id_taken` where another company's rollout has the id. */
export async function createRollout(valkey: Valkey, rollout: NewRollout): Promise<CreateRolloutOutcome> {
  const { rolloutId, companyId, idempotencyKey, targets } = rollout;
  const args = [rolloutId, companyId, recordText(rollout), idempotencyKey?.key ?? "", idempotencyKey?.bodyHash ?? ""];
  // Too many for the arguments of a call.
  for (const { agentId, commandId } of targets) args.push(agentId, commandId);
  const answer = await valkey.runAll<Answer>(createScript, args);
  if (answer[0] === "taken") throw new FleetwireError(storeErrors.command_id_taken);
  if (answer[0] !== "duplicate") return { kind: answer[0] };
  const [known] = await readRollouts(valkey, [answer[1]]);
  // It went between the two steps: its key is free again.
  if (!known) return createRollout(valkey, rollout);
  const { status, counts, unable } = known;
  return { kind: "duplicate", rolloutId: known.rolloutId, status, targets: counts.targets, unable };
}

export async function keyHolder(valkey: Valkey, companyId: string, key: string): Promise<KeyHolder | null> {
  const [bodyHash, kind, id] = await valkey.run<[string?, string?, string?]>(holderScript, companyId, key);
  if (bodyHash === undefined || id === undefined) return null;
  return { bodyHash, commandId: kind === "command" ? id : null, rolloutId: kind === "rollout" ? id : null };
}
