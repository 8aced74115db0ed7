import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeTempDir, runSource, startPostgres, tempDir, type TestPostgres } from "@fleetwire/testbed";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { migrate, openDatabase, type Database, type DatabaseLog } from "../src/index.ts";
import { silentLog } from "../src/log.ts";

let server: TestPostgres;
let url: string;
let database: Database;
let directory: string;

beforeAll(async () => {
  server = await startPostgres();
});
beforeEach(async () => {
  url = await server.createDatabase();
  database = await openDatabase({ url, applicationName: "migrate", log: silentLog });
  directory = tempDir("migrations");
  add("20260101000000_init", "CREATE TABLE note (body text);\nCREATE INDEX note_body ON note (body);\n");
  add("20260102000000_more", "ALTER TABLE note ADD COLUMN at timestamptz;");
  writeFileSync(join(directory, "migration_lock.toml"), `provider = "postgresql"\n`);
});
afterEach(async () => {
  await database.close();
  removeTempDir(directory);
});
afterAll(async () => {
  await server.close();
});

function add(name: string, sql: string): void {
  mkdirSync(join(directory, name), { recursive: true });
  writeFileSync(join(directory, name, "migration.sql"), sql);
}

const run = (log: DatabaseLog = silentLog): Promise<string[]> => migrate({ database, directory, log });

test("migrations are applied in the order of their names, once, and recorded as Prisma records them", async () => {
  expect(await run()).toEqual(["20260101000000_init", "20260102000000_more"]);
  expect(await run()).toEqual([]);
  add("20260103000000_later", "CREATE TABLE later (id int);");
  expect(await run()).toEqual(["20260103000000_later"]);
  const sql = "CREATE TABLE later (id int);";
  const [row] = await database.query(
    `SELECT checksum, finished_at >= started_at AS finished, rolled_back_at, applied_steps_count AS steps
     FROM _prisma_migrations WHERE migration_name = '20260103000000_later'`,
  );
  const checksum = createHash("sha256").update(sql).digest("hex");
  expect(row).toEqual({ checksum, finished: true, rolled_back_at: null, steps: 1 });
});

test("four processes that migrate at once apply each migration once", async () => {
  const program = new URL("./programs/migrator.ts", import.meta.url);
  const migrators = Array.from({ length: 4 }, () => runSource(program, [url, directory]));
  const lines = await Promise.all(migrators.map((migrator) => migrator.waitForLine(/^applied (.*)$/, 30_000)));
  const applied = lines.flatMap((line): string[] => JSON.parse(line[1] ?? ""));
  expect(applied).toEqual(["20260101000000_init", "20260102000000_more"]);
  expect(await database.query("SELECT count(*) AS count FROM _prisma_migrations")).toEqual([{ count: 2 }]);
});

test("waiting for another process's migrations is said, and ends with that process", async () => {
  const other = await database.connect();
  await other.query("SELECT pg_advisory_lock(72707369)");
  const said = Promise.withResolvers<string>();
  const waiting = run({ ...silentLog, info: (_fields, message) => said.resolve(message) });
  expect(await said.promise).toBe("waiting for another process that applies migrations");
  await other.end();
  expect(await waiting).toHaveLength(2);
});

test("a migration changed after it was applied is an error that names it, and nothing more is applied", async () => {
  await run();
  add("20260101000000_init", "CREATE TABLE note (body text, extra int);");
  add("20260103000000_later", "CREATE TABLE later (id int);");
  await expect(run()).rejects.toThrow("migration 20260101000000_init was changed after it was applied");
  expect(await database.query("SELECT to_regclass('later') AS later")).toEqual([{ later: null }]);
});

test("a failing migration says the line and why, leaves nothing behind, and works once corrected", async () => {
  add("20260103000000_bad", "CREATE TABLE half (id int);\n\nALTER TABLE nowhere ADD COLUMN id int;\nSELECT no_such();");
  await expect(run()).rejects.toThrow(
    'migration 20260103000000_bad failed and left nothing behind: relation "nowhere" does not exist (42P01)',
  );
  add("20260103000000_bad", "CREATE TABLE half (id int);\n\nSELECT no_such();");
  await expect(run()).rejects.toThrow(/failed at line 3 .*no_such\(\) does not exist/);
  expect(await database.query("SELECT to_regclass('half') AS half")).toEqual([{ half: null }]);
  add("20260103000000_bad", "CREATE TABLE half (id int);");
  expect(await run()).toEqual(["20260103000000_bad"]);
});

test("a migration that Prisma's own command left failed is not built upon", async () => {
  await run();
  await database.query("UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '20260102000000_more'");
  await expect(run()).rejects.toThrow(/20260102000000_more began and never finished.*prisma migrate resolve/);
  await database.query("UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL");
  await database.query("ALTER TABLE note DROP COLUMN at");
  expect(await run()).toEqual(["20260102000000_more"]);
});

test("a file that ends its transaction is refused", async () => {
  add("20260103000000_commits", "CREATE TABLE half (id int); COMMIT; CREATE TABLE other (id int);");
  await expect(run()).rejects.toThrow("20260103000000_commits ends its transaction");
});

test("migrations of a newer version are left alone, with a warning", async () => {
  add("20260103000000_newer", "CREATE TABLE newer (id int);");
  await run();
  rmSync(join(directory, "20260103000000_newer"), { recursive: true });
  const warnings: object[] = [];
  expect(await run({ ...silentLog, warn: (fields) => void warnings.push(fields) })).toEqual([]);
  expect(warnings).toEqual([{ migrations: ["20260103000000_newer"] }]);
});

test("a folder without a migration.sql is an error", async () => {
  mkdirSync(join(directory, "20260103000000_empty"));
  await expect(run()).rejects.toThrow("20260103000000_empty can't be read");
});
