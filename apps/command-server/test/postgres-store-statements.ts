import { eventually } from "@fleetwire/testbed";
import type { Database, Statement } from "@fleetwire/database";
import type { CommandStore } from "../src/store/command-store.ts";
import { enrolAgent, exited, keyOf, newCommand, type TestAgent } from "./command-store/fixture.ts";
import { newRollout, rollOut } from "./command-store/rollout-fixture.ts";

/**
 * Leads a store through all that servers do all the time.
 *
 * @returns the texts of the prepared statements that this took, by name
 */
export async function recordStatements(
  database: Database,
  open: (recorded: Database) => Promise<CommandStore>,
): Promise<Map<string, string>> {
  const seen = new Map<string, string>();
  const see = (statement: unknown) => {
    const { name, text } = statement as Exclude<Statement, string>;
    if (name !== undefined) seen.set(name, text);
  };
  const store = await open({
    ...database,
    query: (statement) => {
      see(statement);
      return database.query(statement);
    },
    transaction: (work, options) =>
      database.transaction((client) => {
        const query = client.query.bind(client);
        const recorded = new Proxy(client, {
          get: (target, key) => {
            if (key !== "query") return Reflect.get(target, key, target);
            return (statement: Statement) => {
              see(statement);
              return query(statement as string);
            };
          },
        });
        return work(recorded);
      }, options),
  });
  try {
    await useAll(store);
    await eventually(() => seen.has("watch-standing") && seen.has("watch-feed"), {
      deadlineMs: 10_000,
      what: "a look at other servers' changes",
    });
  } finally {
    await store.close();
  }
  return seen;
}

async function useAll(store: CommandStore): Promise<void> {
  const agent = await enrolAgent(store);
  const { agentId, companyId } = agent;
  await agent.connect();
  const commandId = await agent.queue({ idempotencyKey: { key: "key", bodyHash: "hash" } });
  await store.enqueue(newCommand({ ...agent.ids, commandId }));
  store.watch(commandId, () => {});
  store.onFeed(() => {});
  await store.agentsWithWork([agentId]);
  const [assignment] = await agent.assign();
  if (assignment === undefined) throw new Error("nothing was assigned");
  const run = keyOf(agent, assignment);
  const forgotten = { ...run, commandId: newCommand().commandId, assignNo: 9 };
  await agent.connect({
    held: [
      { ...run, state: "running" },
      { ...forgotten, state: "running" },
    ],
  });
  await store.started({ ...run, recorded: true });
  await store.heartbeat([{ agentId, epoch: agent.epoch, running: 1, load1: 0, freeMemoryBytes: 0 }]);
  await store.updateProfile(agentId, agent.epoch, agent.hello().profile);
  await store.appendOutput({ ...run, offset: 0, stream: "stdout", data: Buffer.from("x") });
  await store.readOutput(companyId, commandId, 0, 1);
  await store.cancel(companyId, commandId);
  await store.pendingCancels(agentId);
  await store.refused({ ...run, recorded: true, reason: "busy" });
  await store.result(exited(run));
  await store.get(companyId, commandId);
  await useRollouts(store, agent);
  await store.depth();
  await store.time();
  await store.onlineByFleet();
  await store.readFeed(null, 10, companyId);
  await store.feedEnd();
  await store.sweep(10);
  await store.cleanup();
  await store.agentKey(agentId);
  await store.putFacts(agentId, {});
  await store.requestDrain(companyId, agentId, true);
  await store.agentSessions(companyId, agentId, 50);
  await store.serverHeartbeat();
  await store.closeSession(agentId, agent.epoch, "agent_closed", null);
}

async function useRollouts(store: CommandStore, agent: TestAgent): Promise<void> {
  const { companyId } = agent;
  const idempotencyKey = { key: "rollout", bodyHash: "hash" };
  const rollout = await rollOut(store, [agent], { maxConcurrency: 1, maxErrors: 0, idempotencyKey });
  const { rolloutId } = rollout;
  await store.createRollout(newRollout(companyId, [agent.agentId], { idempotencyKey }));
  await rollout.advance();
  await rollout.end(0, { exitCode: 1 });
  await store.activeRollouts();
  await rollout.advance();
  await rollout.advance();
  await store.rolloutTargets({ companyId, rolloutId, limit: 1, cursor: null });
  await store.keyHolder(companyId, "rollout");
  const other = await rollOut(store, [agent]);
  await other.advance();
  await store.stopRollout(companyId, other.rolloutId, { cancelRunning: true });
  await store.getRollout(companyId, rolloutId);
}
