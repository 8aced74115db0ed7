import { v7 as uuidv7 } from "uuid";
import { laneOf } from "../../src/commands/command.ts";
import type { Rollout } from "../../src/rollouts/rollout.ts";
import type { AdvanceOutcome, CommandStore, NewRollout, ResultReport } from "../../src/store/command-store.ts";
import { enrolAgent, exited, fresh, keyOf, type TestAgent } from "./fixture.ts";

/** A rollout of a SHELL command over these agents. */
export function newRollout(companyId: string, agentIds: readonly string[], over: Partial<NewRollout> = {}): NewRollout {
  return {
    rolloutId: uuidv7(),
    companyId,
    targets: agentIds.map((agentId) => ({ agentId, commandId: uuidv7() })),
    template: {
      type: "SHELL",
      lane: laneOf("SHELL"),
      command: "uptime",
      args: null,
      parameters: {},
      timeoutMs: 60_000,
      priority: 6,
      idempotent: false,
      retry: null,
      traceparent: null,
      createdBy: "operator:test",
    },
    expiresAt: null,
    maxConcurrency: null,
    maxErrors: null,
    selection: { fleetId: "blue" },
    unable: 0,
    retryOf: null,
    idempotencyKey: null,
    createdBy: "operator:test",
    ...over,
  };
}

/** A rollout that was stored, and the short way to say what the tests say often. */
export interface TestRollout {
  readonly rolloutId: string;
  readonly companyId: string;
  readonly agents: readonly TestAgent[];
  /** In target order. */
  readonly commandIds: readonly string[];
  now(): Promise<Rollout>;
  /** Steps until there is nothing to do right away; gives all of them. */
  advance(limit?: number, on?: CommandStore): Promise<AdvanceOutcome[]>;
  /** Has the agent of this target begin its command. */
  begin(target: number): Promise<void>;
  /** Has it end, by default well. */
  end(target: number, over?: Partial<ResultReport>): Promise<void>;
}

/** Agents of one company, connected unless said otherwise. */
export async function enrolMany(
  store: CommandStore,
  count: number,
  o: { companyId?: string; connect?: boolean } = {},
): Promise<TestAgent[]> {
  const { companyId = fresh("company"), connect = true } = o;
  const agents = await Promise.all(Array.from({ length: count }, () => enrolAgent(store, { companyId })));
  if (connect) await Promise.all(agents.map((agent) => agent.connect()));
  return agents;
}

/** Stores a rollout over these agents that has to be new. */
export async function rollOut(
  store: CommandStore,
  agents: readonly TestAgent[],
  over: Partial<NewRollout> = {},
): Promise<TestRollout> {
  const companyId = agents[0]?.companyId ?? fresh("company");
  const given = newRollout(
    companyId,
    agents.map(({ agentId }) => agentId),
    over,
  );
  const outcome = await store.createRollout(given);
  if (outcome.kind !== "created") throw new Error(`creating a rollout: ${outcome.kind}`);
  const { rolloutId } = given;
  const runs = new Map<number, ReturnType<typeof keyOf>>();

  async function begin(target: number): Promise<void> {
    const agent = agents[target];
    const [assignment] = (await agent?.assign()) ?? [];
    if (agent === undefined || assignment === undefined) throw new Error(`nothing was assigned to target ${target}`);
    const key = keyOf(agent, assignment);
    await store.started({ ...key, recorded: true });
    runs.set(target, key);
  }

  return {
    rolloutId,
    companyId,
    agents,
    commandIds: given.targets.map(({ commandId }) => commandId),
    async now() {
      const rollout = await store.getRollout(companyId, rolloutId);
      if (rollout === null) throw new Error("there is no such rollout");
      return rollout;
    },
    async advance(limit = 500, on = store) {
      const outcomes: AdvanceOutcome[] = [];
      for (let more = true; more;) {
        const step = await on.advanceRollout(rolloutId, limit);
        if (step === null) throw new Error("there is no such rollout");
        outcomes.push(step);
        more = step.more;
      }
      return outcomes;
    },
    begin,
    async end(target, end = {}) {
      if (!runs.has(target)) await begin(target);
      const key = runs.get(target);
      if (key === undefined) throw new Error(`target ${target} doesn't run`);
      const answer = await store.result(exited(key, end));
      if (answer.kind !== "applied") throw new Error(`ending target ${target}: ${answer.kind}`);
    },
  };
}

type Counts = Record<
  | "targets"
  | "pending"
  | "queued"
  | "assigned"
  | "completed"
  | "failed"
  | "timeout"
  | "cancelled"
  | "expired"
  | "errors",
  number
>;

/** All that isn't said is zero. */
export function counts(some: Partial<Counts>): Counts {
  const none = { targets: 0, pending: 0, queued: 0, assigned: 0, completed: 0, failed: 0, timeout: 0 };
  return { ...none, cancelled: 0, expired: 0, errors: 0, ...some };
}
