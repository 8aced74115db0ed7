/**
 * Every key of this store, in one place; `$` stands for an id. Ids come last, so that a prefix with a hash tag
 * (`{cell-3}:`) puts all keys of a cell on one node.
 *
 * The first four are documented: they are the records, and other programs may read them and write `record`. All others
 * are Fleetwire's own indexes, written by the same scripts.
 */
const templates = {
  /** A command as it was queued: JSON, never changed after. */
  record: "command:queue:$",
  /** Where it stands: JSON, `CommandState` in `state.ts`. */
  state: "command:status:$",
  /** Agent, command: the command's id. */
  listed: "agent:$:command:list:$",
  /** What came of it: JSON. */
  result: "cmd:result:$",

  /** Command, attempt. Sorted set of pieces by their first byte. */
  output: "fw:output:$:$",
  /** Company, key: body hash and command id, or `rollout:` and rollout id. */
  idempotency: "fw:idempotency:$:$",
  /** Counts commands as they arrive. */
  sequence: "fw:sequence",
  /** Agent, lane, company. Sorted set of queued commands by priority and arrival. */
  queued: "fw:queued:$:$:$",
  /** Agent. Sorted set of its assigned commands by assignment number. */
  assigned: "fw:assigned:$",
  /** Sorted sets by the time at which the sweep has to act; every live command is in one of them. */
  dueQueued: "fw:due:queued",
  dueAssigned: "fw:due:assigned",
  /** Sorted set by the end's time, of `agent LF company LF command`: what cleanup has to take out of the lists. */
  finished: "fw:finished",
  /** Company; agent and company. Sorted sets by arrival. */
  byCompany: "fw:commands:$",
  byAgent: "fw:agent-commands:$:$",

  /** Agent. Hashes: who it is and what it says of itself; its current or last session. */
  agent: "fw:agent:$",
  session: "fw:session:$",
  /** Agent. List of its ended sessions, JSON, newest first. */
  sessions: "fw:sessions:$",
  /** Agent. Largest recorded assignment number by ledger, and when each ledger was first seen. */
  ledgers: "fw:ledgers:$",
  ledgersSeen: "fw:ledgers-seen:$",
  /** Company. Sorted set of agent ids, in their own order. */
  agents: "fw:agents:$",
  /** Hash: agents online by fleet. */
  online: "fw:online",
  /** Sorted set of servers by when they last said that they live. */
  servers: "fw:servers",
  /** Server. Set of the agents whose open sessions it holds. */
  held: "fw:held:$",
  /** Token's hash. Hash. */
  token: "fw:token:$",
  /** Company. Hash of the token's hash by token id. */
  tokens: "fw:tokens:$",

  /** Stream of transitions and connection events; its counter; the last entry that was removed. */
  feed: "fw:feed",
  feedNumber: "fw:feed:number",
  feedFloor: "fw:feed:floor",

  /** Rollout. Hash; ended commands by state, and errors among them; list of `agent LF command`, in target order. */
  rollout: "fw:rollout:$",
  rolloutCounts: "fw:rollout-counts:$",
  rolloutTargets: "fw:rollout-targets:$",
  /** Rollout, `queued` or `assigned`. Set of its commands in this state. */
  rolloutIn: "fw:rollout-in:$:$",
  /** Company. Sorted set of rollouts, in the order of their ids. */
  rolloutsOf: "fw:rollouts:$",
  /** Set of those that a step may still change; sorted set by the end's time, of `company LF rollout`. */
  rolloutsActive: "fw:rollouts-active",
  rolloutsEnded: "fw:rollouts-ended",

  /** Which server looks for other programs' commands, and how far it has come. */
  foreignLeader: "fw:foreign:leader",
  foreignCursor: "fw:foreign:cursor",
} as const;

export type KeyName = keyof typeof templates;
export type Keys = { readonly [N in KeyName]: (...ids: (string | number)[]) => string };

/** The names under a prefix, for Node's side. */
export function createKeys(prefix: string): Keys {
  const entries = Object.entries(templates).map(([name, template]) => {
    const parts = `${prefix}${template}`.split("$");
    return [name, (...ids: (string | number)[]) => parts.map((part, n) => `${part}${ids[n] ?? ""}`).join("")];
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- fromEntries doesn't keep the names
  return Object.fromEntries(entries) as Keys;
}

/** The same names for Lua, where `P` is the prefix: `K.state(id)`. Only those that `text` uses. */
export function luaKeys(text: string): string {
  const used = new Set([...text.matchAll(/\bK\.(\w+)/g)].map(([, name]) => name));
  const functions = Object.entries(templates)
    .filter(([name]) => used.has(name))
    .map(([name, template]) => {
      const parts = template.split("$");
      const names = parts.slice(1).map((_, n) => `id${n}`);
      const expression = parts.flatMap((part, n) => [
        ...(n > 0 ? [names[n - 1] ?? ""] : []),
        ...(part === "" ? [] : [`'${part}'`]),
      ]);
      return `function K.${name}(${names.join(", ")}) return ${["P", ...expression].join(" .. ")} end`;
    });
  return functions.length === 0 ? "" : `local K = {}\n${functions.join("\n")}\n`;
}

/** The channel on which a server hears of its sessions. */
export function channelOf(prefix: string, serverId: string): string {
  return `${prefix}fw:server:${serverId}`;
}
