import { scrub } from "./redaction.ts";

export interface CheckResult {
  ok: boolean;
  /** Why not, or how it is. */
  reason?: string;
}

export interface Readiness {
  ok: boolean;
  checks: Record<string, CheckResult>;
}

/** A dependency that says by itself how it is, as its state changes. */
export interface HealthGauge {
  ok(reason?: string): void;
  fail(reason: string): void;
}

/** Whether this process can do its work, and why not. */
export interface Health {
  /**
   * Asked at each `ready()`, one at a time: whoever asks meanwhile gets the same answer, so that many who ask anonymously
   * can't use up the dependency's connections. An error, or no answer within 2 s, means not ready; its message becomes
   * the reason.
   */
  register(name: string, check: () => Promise<void> | void): void;
  /** Told rather than asked; not ready, with `reason`, until it says ok. */
  gauge(name: string, reason: string): HealthGauge;
  /** Not ready from now on: what balances load stops sending. */
  setStopping(): void;
  ready(): Promise<Readiness>;
}

const checkTimeoutMs = 2_000;
const longestReason = 200;

/** Throws when a name is registered twice. */
export function createHealth(): Health {
  const checks = new Map<string, () => Promise<CheckResult>>();
  let stopping = false;

  function add(name: string, check: () => Promise<CheckResult>): void {
    if (checks.has(name)) throw new Error(`Health check "${name}" is registered already.`);
    checks.set(name, check);
  }

  return {
    register: (name, check) =>
      add(
        name,
        shared(() => run(check)),
      ),

    gauge(name, reason) {
      let state: CheckResult = { ok: false, reason };
      add(name, () => Promise.resolve(state));
      return {
        ok: (now) => (state = now === undefined ? { ok: true } : { ok: true, reason: readable(now) }),
        fail: (now) => (state = { ok: false, reason: readable(now) }),
      };
    },

    setStopping() {
      stopping = true;
    },

    async ready() {
      const results = await Promise.all([...checks].map(async ([name, check]) => [name, await check()] as const));
      const all: Record<string, CheckResult> = Object.fromEntries(results);
      if (stopping) all["process"] = { ok: false, reason: "stopping" };
      return { ok: Object.values(all).every((check) => check.ok), checks: all };
    },
  };
}

/** Calls during a run join it. */
function shared<R>(work: () => Promise<R>): () => Promise<R> {
  let running: Promise<R> | null = null;
  return () => (running ??= work().finally(() => (running = null)));
}

async function run(check: () => Promise<void> | void): Promise<CheckResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<CheckResult>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, reason: `no answer within ${checkTimeoutMs} ms` }), checkTimeoutMs);
  });
  const answer = (async (): Promise<CheckResult> => {
    try {
      await check();
      return { ok: true };
    } catch (error) {
      return { ok: false, reason: readable(reasonOf(error)) };
    }
  })();
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A refused connection to a name with several addresses is an AggregateError with an empty message. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "" && error.errors.length > 0)
    return reasonOf(error.errors[0]);
  if (error instanceof Error) return error.message === "" ? error.name : error.message;
  return String(error);
}

function readable(reason: string): string {
  const line = scrub(reason).replace(/\s+/g, " ").trim();
  return line.length > longestReason ? `${line.slice(0, longestReason)}…` : line;
}
