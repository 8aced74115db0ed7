import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect } from "vitest";
import { eventually } from "@fleetwire/testbed";
import { startApiServer, type Answer, type ApiServer, type Who } from "./api-server.ts";
import { driveAgent, type DrivenAgent } from "./driven-agent.ts";
import { EventReader } from "./event-reader.ts";

export type Counts = Record<string, number>;

/** A server for the tests of one file, and what they say of rollouts again and again. */
export function useRolloutRig() {
  let api: ApiServer;

  beforeAll(async () => {
    api = await startApiServer({ LOG_LEVEL: "info" });
  });
  afterAll(() => api.close());

  function ask(body: Record<string, unknown>, as: Who = "acme"): Promise<Answer> {
    return api.call("POST", "/commands", { as, body });
  }

  /** Agents of a fleet of their own, connected, in order of their ids. */
  async function fleetOf(
    count: number,
    change: Parameters<typeof driveAgent>[2] = {},
  ): Promise<{ fleet: string; agents: DrivenAgent[] }> {
    const fleet = `fleet-${randomUUID()}`;
    const agents = await Promise.all(
      Array.from({ length: count }, () => driveAgent(api.running.store, "acme", { fleet, ...change })),
    );
    return { fleet, agents: agents.toSorted((a, b) => (a.agentId < b.agentId ? -1 : 1)) };
  }

  async function rollout(rolloutId: string): Promise<Record<string, unknown> & { counts: Counts }> {
    const { json } = await api.call("GET", `/rollouts/${rolloutId}`);
    return json as Record<string, unknown> & { counts: Counts };
  }

  /** Resolves when the rollout has come to this. */
  function reaches(rolloutId: string, expected: { status?: string; counts?: Counts }) {
    return eventually(
      async () => {
        const now = await rollout(rolloutId);
        const counts = Object.entries(expected.counts ?? {});
        const isThere = counts.every(([name, count]) => now.counts[name] === count);
        return isThere && (expected.status ?? now["status"]) === now["status"] && now;
      },
      { deadlineMs: 10_000, what: JSON.stringify(expected) },
    );
  }

  /** A rollout that was taken; every target's command is queued. */
  async function started(body: Record<string, unknown>): Promise<string> {
    const answer = await ask({ command: "uptime", ...body });
    expect(answer.status).toBe(202);
    const rolloutId = String(answer.json["rolloutId"]);
    await eventually(
      async () => {
        const { counts, maxConcurrency } = await rollout(rolloutId);
        const { targets = 0, pending = 0 } = counts;
        return targets - pending >= Math.min(targets, Number(maxConcurrency ?? targets));
      },
      { deadlineMs: 10_000, what: "the first commands" },
    );
    return rolloutId;
  }

  /** What a dry run answers for a selector. */
  async function targetsOf(selector: object, more: object = {}): Promise<Record<string, unknown>> {
    return (await ask({ selector, command: "uptime", dryRun: true, ...more })).json;
  }

  async function follow(rolloutId: string): Promise<EventReader> {
    return new EventReader(await api.open(`/rollouts/${rolloutId}?follow=true`));
  }

  /** Six agents: three say "same", one fails with it, one says something else, one runs. */
  async function mixed() {
    const { fleet, agents } = await fleetOf(6);
    const rolloutId = await started({ fleetId: fleet });
    for (const agent of agents.slice(0, 3)) await finish(agent, { output: "same\n" });
    await finish(agents[3], { output: "same\n", exitCode: 4 });
    await finish(agents[4], { output: "héllo wörld" });
    await agents[5]?.take();
    const results = async (query: string) => {
      const { json } = await api.call("GET", `/rollouts/${rolloutId}/results?${query}`);
      return json as { items: { agentId: string; output?: string }[]; nextCursor: string | null };
    };
    const found = async (query: string) =>
      (await results(query)).items.map(({ agentId }) => agents.findIndex((agent) => agent.agentId === agentId));
    return { rolloutId, agents, results, found };
  }

  return {
    get api() {
      return api;
    },
    ask,
    fleetOf,
    rollout,
    reaches,
    started,
    targetsOf,
    follow,
    mixed,
  };
}

export function schemaOf(name: string) {
  return { type: "object", required: [name], properties: { [name]: { type: "integer" } } };
}

/** Takes the agent's next command and ends it. */
export async function finish(
  agent: DrivenAgent | undefined,
  end: { exitCode?: number; output?: string } = {},
): Promise<void> {
  if (agent === undefined) throw new Error("no agent");
  const run = await agent.take();
  await agent.start(run);
  if (end.output !== undefined) await agent.print(run, 0, end.output);
  await agent.finish(run, { exitCode: end.exitCode ?? 0, outputBytes: end.output?.length ?? 0 });
}
