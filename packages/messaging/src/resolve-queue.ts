import { defaultRetryPolicy, type RetryPolicy } from "./backoff.ts";
import { durationMs } from "./duration.ts";
import { MessagingError } from "./errors.ts";
import { didYouMean } from "./near-name.ts";
import { longestDelayMs, mostRetries } from "./outcome.ts";
import { topicBase, type Group, type Queue, type QueueDefinition, type RateLimit } from "./queue-definition.ts";
import { isTopicPattern } from "./topic.ts";

/** What is wrong at which place of a definition, such as `["retry", "max"]`. */
export interface DefinitionProblem {
  path: readonly string[];
  problem: string;
}

const queueNamePattern = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;
const longestName = 80;
const largestPartitions = 256;

/**
 * The definition with its defaults.
 *
 * @throws MessagingError `invalid_definition` with every problem, a line each.
 */
export function resolveQueue(definition: QueueDefinition): Queue {
  const { queue, problems } = checkQueue(definition.name, { ...definition, name: undefined });
  if (queue !== null) return queue;
  const lines = problems.map(({ path, problem }) => `queue ${definition.name}: ${[...path, ""].join(": ")}${problem}`);
  throw new MessagingError("invalid_definition", lines.join("\n"));
}

const keys = [
  "kind",
  "groups",
  "priority",
  "ordered",
  "ttl",
  "maxLength",
  "retry",
  "concurrency",
  "rateLimit",
  "lease",
  "deadLetters",
  "dedupeWindow",
  "tracking",
  "versions",
];

/** Checks what may have come from a file: nothing is assumed of its types. */
export function checkQueue(name: string, raw: unknown): { queue: Queue | null; problems: DefinitionProblem[] } {
  const problems: DefinitionProblem[] = [];
  const say = (path: readonly string[], problem: string): void => void problems.push({ path, problem });
  if (!isRecord(raw)) return { queue: null, problems: [{ path: [], problem: "expected the queue's settings" }] };
  if (name.length > longestName || !queueNamePattern.test(name))
    say([], `the name isn't lower-case words joined by . - or _, of at most ${longestName} characters`);
  const read = reader(raw, keys, [], say);

  const kind = read.choice("kind", ["task", "event", "broadcast"] as const) ?? "task";
  if (read.raw("kind") === undefined) say(["kind"], "expected one of task, event, broadcast");
  const groups = groupsOf(name, kind, read.raw("groups"), say);
  const priority = read.choice("priority", ["none", "bands", "native"] as const) ?? "none";
  const partitions = partitionsOf(read.raw("ordered"), say);
  const queue: Queue = {
    name,
    kind,
    groups,
    priority,
    partitions,
    ttlMs: read.duration("ttl", 1) ?? null,
    maxLength: read.integer("maxLength", 1) ?? null,
    retry: retryOf(read.raw("retry"), say),
    concurrency: read.integer("concurrency", 1, 10_000) ?? 10,
    rateLimit: rateLimitOf(read.raw("rateLimit"), say),
    leaseMs: read.duration("lease", 1_000) ?? 30_000,
    deadLetters: read.choice("deadLetters", ["keep", "discard"] as const) ?? "keep",
    dedupeWindowMs: read.duration("dedupeWindow", 1) ?? null,
    tracking: trackingOf(read.raw("tracking"), say),
    versions: versionsOf(read.raw("versions"), say),
  };
  if (partitions > 0 && priority !== "none") say(["ordered"], "an ordered queue has no priorities");
  if (partitions > 0 && kind === "broadcast") say(["ordered"], "broadcasts aren't ordered");
  if (partitions > 0 && groups.some((group) => !usesOwnTopics(name, kind, group)))
    say(["ordered"], "an ordered queue's groups take all of its events: no topics");
  if (queue.tracking === name) say(["tracking"], "a queue doesn't track itself");
  return { queue: problems.length === 0 ? queue : null, problems };
}

function usesOwnTopics(name: string, kind: string, group: Group): boolean {
  return kind !== "event" || (group.topics.length === 1 && group.topics[0] === `${topicBase(name)}.#`);
}

type Say = (path: readonly string[], problem: string) => void;

function reader(raw: Record<string, unknown>, known: readonly string[], at: readonly string[], say: Say) {
  for (const key of Object.keys(raw)) {
    if (raw[key] !== undefined && !known.includes(key)) say([...at, key], `unknown${didYouMean(key, known)}`);
  }
  const value = (key: string): unknown => (Object.hasOwn(raw, key) ? (raw[key] ?? undefined) : undefined);
  return {
    raw: value,
    choice<const V extends string>(key: string, values: readonly V[]): V | undefined {
      const given = value(key);
      if (given === undefined) return undefined;
      const found = values.find((one) => one === given);
      if (found === undefined) say([...at, key], `expected one of ${values.join(", ")}`);
      return found;
    },
    integer(key: string, min: number, max = Number.MAX_SAFE_INTEGER): number | undefined {
      const given = value(key);
      if (given === undefined) return undefined;
      if (typeof given === "number" && Number.isSafeInteger(given) && given >= min && given <= max) return given;
      say([...at, key], `expected a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? "" : ` to ${max}`}`);
      return undefined;
    },
    duration(key: string, minMs: number): number | undefined {
      const given = value(key);
      if (given === undefined) return undefined;
      const ms = typeof given === "string" || typeof given === "number" ? durationMs(given) : null;
      if (ms !== null && ms >= minMs && ms <= longestDelayMs) return ms;
      say([...at, key], "expected a duration such as 500ms, 30s, 5m, 7d, at most 30d");
      return undefined;
    },
  };
}

function groupsOf(name: string, kind: string, raw: unknown, say: Say): Group[] {
  const own = kind === "event" ? [`${topicBase(name)}.#`] : [];
  if (raw !== undefined && !Array.isArray(raw)) say(["groups"], "expected a list of groups");
  const items: readonly unknown[] = Array.isArray(raw) ? raw : [];
  if (items.length === 0 && kind !== "broadcast")
    say(["groups"], `a${kind === "event" ? "n" : ""} ${kind} queue needs a group: [workers]`);
  const groups = items.map((item, index): Group => {
    const at = ["groups", String(index)];
    const { name: groupName, topics, ...rest } = isRecord(item) ? item : { name: item, topics: undefined };
    for (const key of Object.keys(rest)) say([...at, key], `unknown${didYouMean(key, ["name", "topics"])}`);
    const isName = typeof groupName === "string" && groupName.length <= longestName && queueNamePattern.test(groupName);
    if (!isName) say(at, "expected a group's name: lower-case words joined by . - or _");
    return {
      name: isName ? groupName : "",
      topics: topics === undefined ? own : topicsOf(kind, topics, [...at, "topics"], say),
    };
  });
  const names = groups.map((group) => group.name);
  for (const twice of new Set(names.filter((one, at) => names.indexOf(one) !== at)))
    say(["groups"], `"${twice}" stands there twice`);
  return groups;
}

function topicsOf(kind: string, raw: unknown, at: readonly string[], say: Say): string[] {
  if (kind !== "event") say(at, "only events have topics");
  if (Array.isArray(raw) && raw.length > 0 && raw.every(isTopicPattern)) return raw;
  say(at, "expected a list of patterns such as debate.# or *.failed");
  return [];
}

function partitionsOf(raw: unknown, say: Say): number {
  if (raw === undefined || raw === null) return 0;
  if (!isRecord(raw)) say(["ordered"], "expected { partitions: 8 }");
  else return reader(raw, ["partitions"], ["ordered"], say).integer("partitions", 1, largestPartitions) ?? 8;
  return 0;
}

function retryOf(raw: unknown, say: Say): RetryPolicy {
  if (raw === undefined || raw === null) return defaultRetryPolicy;
  if (!isRecord(raw)) {
    say(["retry"], "expected { maxRetries: 3, initial: 1s, factor: 2, max: 30s }");
    return defaultRetryPolicy;
  }
  const read = reader(raw, ["maxRetries", "initial", "factor", "max"], ["retry"], say);
  const factor = read.raw("factor") ?? defaultRetryPolicy.factor;
  const isFactor = typeof factor === "number" && factor >= 1 && factor <= 100;
  if (!isFactor) say(["retry", "factor"], "expected a number from 1 to 100");
  const policy: RetryPolicy = {
    maxRetries: read.integer("maxRetries", 0, mostRetries) ?? defaultRetryPolicy.maxRetries,
    initialMs: read.duration("initial", 0) ?? defaultRetryPolicy.initialMs,
    factor: isFactor ? factor : defaultRetryPolicy.factor,
    maxMs: read.duration("max", 0) ?? defaultRetryPolicy.maxMs,
  };
  return { ...policy, maxMs: Math.max(policy.maxMs, policy.initialMs) };
}

function rateLimitOf(raw: unknown, say: Say): RateLimit | null {
  if (raw === undefined || raw === null) return null;
  if (!isRecord(raw)) {
    say(["rateLimit"], "expected { max: 100, per: 1s }");
    return null;
  }
  const read = reader(raw, ["max", "per", "scope"], ["rateLimit"], say);
  const max = read.integer("max", 1);
  const perMs = read.duration("per", 1);
  if (read.raw("max") === undefined) say(["rateLimit", "max"], "expected a whole number from 1");
  if (read.raw("per") === undefined) say(["rateLimit", "per"], "expected a duration such as 1s");
  const scope = read.choice("scope", ["process", "installation"] as const) ?? "installation";
  return max === undefined || perMs === undefined ? null : { max, perMs, scope };
}

function trackingOf(raw: unknown, say: Say): string | null {
  if (raw === undefined || raw === null) return null;
  if (typeof raw === "string" && queueNamePattern.test(raw)) return raw;
  say(["tracking"], "expected a queue's name");
  return null;
}

function versionsOf(raw: unknown, say: Say): readonly number[] {
  if (raw === undefined || raw === null) return [1];
  if (Array.isArray(raw) && raw.length > 0 && raw.every((one) => Number.isSafeInteger(one) && one >= 1)) return raw;
  say(["versions"], "expected a list of whole numbers from 1");
  return [1];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
