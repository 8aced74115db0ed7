import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { migrate, openDatabase, type Database } from "@fleetwire/database";
import { createLogger } from "@fleetwire/service";
import { eventually, startPostgres, type TestPostgres } from "@fleetwire/testbed";
import type { CommandStore } from "../src/store/command-store.ts";
import { createPostgresStore, migrationsDirectory } from "../src/store/postgres-store.ts";
import { enrolAgent, exited } from "./command-store/fixture.ts";

const log = createLogger({ service: "sessions-test", level: "silent" });
let postgres: TestPostgres;
let database: Database;
let store: CommandStore;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: "off" } });
  database = await openDatabase({ url: await postgres.createDatabase(), applicationName: "sessions-test", log });
  await migrate({ database, directory: migrationsDirectory, log });
  store = await createPostgresStore({ database, serverId: randomUUID(), log });
});
afterAll(async () => {
  await store.close();
  await database.close();
  await postgres.close();
});

describe("opening a session on PostgreSQL", () => {
  it("can't get into a deadlock with the result of a run: it waits for commands before it holds a ledger", async () => {
    const agent = await enrolAgent(store);
    await agent.connect();
    const run = await agent.start();
    const rival = await database.connect();
    try {
      await rival.query("BEGIN");
      await rival.query("SELECT FROM commands WHERE id = $1 FOR NO KEY UPDATE", [run.commandId]);
      const opening = agent.connect({ highest: run.assignNo, held: [{ ...run, state: "done" }] });
      const waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FROM commands c%'";
      await eventually(async () => (await database.query(waiting)).length > 0, { deadlineMs: 5_000 });
      const ledger = "SELECT FROM agent_ledgers WHERE agent_id = $1 FOR NO KEY UPDATE NOWAIT";
      expect((await rival.query(ledger, [agent.agentId])).rowCount).toBe(1);
      await rival.query("COMMIT");
      expect((await opening).kept).toMatchObject([{ commandId: run.commandId }]);
    } finally {
      await rival.end();
    }
    expect(await store.result(exited(run))).toMatchObject({ kind: "applied" });
  });

  it("remembers a bounded number of an agent's ledgers, and the one that speaks always", async () => {
    const agent = await enrolAgent(store);
    const first = agent.ledgerId;
    await agent.connect({ highest: 5 });
    for (let n = 0; n < 20; n++) {
      await store.closeSession(agent.agentId, agent.epoch, "agent_closed", null);
      agent.ledgerId = n % 2 ? randomUUID() : first;
      await agent.connect({ highest: 5 });
    }
    const [row] = await database.query<{ ledgers: number }>({
      text: "SELECT count(*) AS ledgers FROM agent_ledgers WHERE agent_id = $1",
      values: [agent.agentId],
    });
    expect(row?.ledgers).toBe(9);
    expect(await store.openSession(agent.hello({ highest: 4 }))).toEqual({ kind: "restored_copy" });
  });
});
