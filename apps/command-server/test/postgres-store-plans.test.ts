import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { migrate, openDatabase, type Database } from "@fleetwire/database";
import { createLogger } from "@fleetwire/service";
import { startPostgres, type TestPostgres } from "@fleetwire/testbed";
import { createPostgresStore, migrationsDirectory } from "../src/store/postgres-store.ts";
import { recordStatements } from "./postgres-store-statements.ts";

const log = createLogger({ service: "plans-test", level: "silent" });

/** What grows with use. The others (servers, join tokens, the feed's floor) hold a handful of rows. */
const growing = new Set([
  "agent_ledgers",
  "agent_session_log",
  "agent_sessions",
  "agents",
  "command_output",
  "commands",
  "feed",
  "idempotency_keys",
  "rollout_targets",
  "rollouts",
]);

/** These count everything that is alive, at most every 10 s. */
const countsAll = new Set(["depth", "online-by-fleet"]);

interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  "Index Cond"?: string;
  Plans?: PlanNode[];
}

let postgres: TestPostgres;
let database: Database;
let statements: Map<string, string>;

beforeAll(async () => {
  // The statistics are those that the tests make.
  postgres = await startPostgres({ settings: { fsync: "off", autovacuum: "off" } });
  database = await openDatabase({ url: await postgres.createDatabase(), applicationName: "plans-test", log });
  await migrate({ database, directory: migrationsDirectory, log });
  statements = await recordStatements(database, (recorded) =>
    createPostgresStore({ database: recorded, serverId: randomUUID(), log }),
  );
});
afterAll(async () => {
  await database.close();
  await postgres.close();
});

/** 30,000 ended commands of 5,000 agents on some forty servers, with all that belongs to them. */
async function fill(): Promise<void> {
  await database.query(`INSERT INTO agents (agent_id, company_id, public_key, fleet, enrolled_at)
    SELECT 'agent' || i, 'company' || i % 10, '', 'blue', now() FROM generate_series(1, 5000) i`);
  await database.query(`INSERT INTO agent_sessions (agent_id, company_id, connected, server_id)
    SELECT agent_id, company_id, true, 'server' || hashtext(agent_id) % 20 FROM agents WHERE fleet = 'blue' ON CONFLICT DO NOTHING`);
  await database.query(`INSERT INTO agent_ledgers (agent_id, ledger_id, first_seen)
    SELECT agent_id, 'ledger' || i, now() FROM agents, generate_series(1, 2) i`);
  await database.query(`INSERT INTO agent_session_log (agent_id, slot, epoch, server_id, connected_at, disconnected_at, reason)
    SELECT agent_id, i, i, 'server', now(), now(), 'agent_closed' FROM agents, generate_series(0, 9) i ON CONFLICT DO NOTHING`);
  await insertCommands("completed", 30_000);
  await database.query(`INSERT INTO feed (kind, company_id, agent_id, data, xid)
    SELECT 'command.queued', 'company' || i % 10, 'agent' || i % 100, '{}', i FROM generate_series(1, 30000) i`);
  await database.query(`INSERT INTO command_output (command_id, attempt, first_byte, stream, data)
    SELECT id, 1, n * 100, 'stdout', 'x' FROM commands, generate_series(10, 11) n`);
  await database.query(`INSERT INTO idempotency_keys (company_id, key, body_hash, command_id)
    SELECT company_id, 'key ' || id, '', id FROM commands`);
  await fillRollouts();
}

/** 1,000 rollouts of five targets that have ended, and one large one that runs; a third of all commands are theirs. */
async function fillRollouts(): Promise<void> {
  const columns = "id, company_id, template, selection, unable, created_by, created_at, targets, next_position";
  await database.query(`INSERT INTO rollouts (${columns}, status, settled_at)
    SELECT 'rollout' || i, 'company' || i % 10, '{}', '{}', 0, 'operator', now(), 5, 5, 'completed', now()
    FROM generate_series(1, 1000) i`);
  await database.query(`INSERT INTO rollouts (${columns})
    VALUES ('rollout0', 'company0', '{}', '{}', 0, 'operator', now(), 10000, 5000)`);
  await database.query(`INSERT INTO rollout_targets (rollout_id, position, agent_id, command_id)
    SELECT CASE WHEN n <= 5000 THEN 'rollout' || (n + 4) / 5 ELSE 'rollout0' END, (n - 1) % 5000, agent_id, id
    FROM (SELECT id, agent_id, row_number() OVER (ORDER BY id) AS n FROM commands) c WHERE n <= 10000`);
  await database.query(
    `UPDATE commands c SET rollout_id = t.rollout_id FROM rollout_targets t WHERE t.command_id = c.id`,
  );
  await database.query(`INSERT INTO idempotency_keys (company_id, key, body_hash, rollout_id)
    SELECT company_id, 'key ' || id, '', id FROM rollouts`);
}

async function insertCommands(status: string, count: number): Promise<void> {
  await database.query({
    text: `INSERT INTO commands (id, company_id, agent_id, type, lane, parameters, timeout_ms, priority, idempotent,
        created_by, status, queued_at, expires_at, due_at, finished_at)
      SELECT gen_random_uuid(), 'company' || i % 10, 'agent' || i % 5000 + 1, 'SHELL', 'work', '{}', 1000, i % 11, false,
        'operator', $1, now(), now(), CASE WHEN $1 <> 'completed' THEN now() END, CASE WHEN $1 = 'completed' THEN now() END
      FROM generate_series(1, $2::int) i`,
    values: [status, count],
  });
}

/** Where a plan reads more of a growing table than it was asked for. */
async function wholeReads(): Promise<string[]> {
  const found: string[] = [];
  for (const [name, text] of statements) {
    if (countsAll.has(name)) continue;
    const [row] = await database.query<{ "QUERY PLAN": { Plan: PlanNode }[] }>(
      `EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${text}`,
    );
    for (const { Plan } of row?.["QUERY PLAN"] ?? []) {
      for (const node of nodesOf(Plan)) if (readsAll(node)) found.push(`${name}: ${describeNode(node)}`);
    }
  }
  return found;
}

function readsAll(node: PlanNode): boolean {
  const isScan = node["Node Type"] === "Seq Scan" || node["Index Name"] !== undefined;
  // A bitmap's index scan doesn't say of which table: none of a small one is planned so.
  return isScan && node["Index Cond"] === undefined && growing.has(node["Relation Name"] ?? "commands");
}

function describeNode(node: PlanNode): string {
  return `${node["Node Type"]} on ${node["Index Name"] ?? node["Relation Name"]}`;
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

describe("a statement of the PostgreSQL store", () => {
  it("costs what it touches, planned when nothing was stored: it keeps that plan for a while", async () => {
    expect(statements.size).toBeGreaterThan(30);
    expect(await wholeReads()).toEqual([]);
  });

  it("is planned like that on every connection of the pool", async () => {
    const clients = await Promise.all(Array.from({ length: 4 }, () => database.pool.connect()));
    const shown = await Promise.all(clients.map((client) => client.query("SHOW enable_seqscan")));
    const idle = await Promise.all(clients.map((client) => client.query("SHOW idle_in_transaction_session_timeout")));
    for (const client of clients) client.release();
    expect(shown.flatMap(({ rows }) => rows as unknown[])).toEqual(clients.map(() => ({ enable_seqscan: "off" })));
    // The same place sets how long a server that stands still keeps its locks.
    expect(idle.flatMap(({ rows }) => rows as unknown[])).toEqual(
      clients.map(() => ({ idle_in_transaction_session_timeout: "10s" })),
    );
  });

  it("costs the same when much is stored, before the next statistics", async () => {
    await fill();
    expect(await wholeReads()).toEqual([]);
  });

  it("costs the same with the statistics of an idle hour, when nothing is queued or assigned", async () => {
    await database.query("ANALYZE");
    expect(await wholeReads()).toEqual([]);
  });

  it("costs the same with a full queue", async () => {
    await insertCommands("queued", 5_000);
    await insertCommands("assigned", 5_000);
    await database.query("ANALYZE");
    expect(await wholeReads()).toEqual([]);
  });
});
