import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { migrate, openDatabase } from "@fleetwire/database";
import { createLogger } from "@fleetwire/service";
import { startPostgres, type TestPostgres } from "@fleetwire/testbed";
import { migrationsDirectory } from "../src/store/postgres-store.ts";

const run = promisify(execFile);
const packageDirectory = fileURLToPath(new URL("..", import.meta.url));
const prismaCli = fileURLToPath(import.meta.resolve("prisma/build/index.js"));
const log = createLogger({ service: "schema-test", level: "silent" });
let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { fsync: "off" } });
});
afterAll(() => postgres.close());

/** Runs the Prisma CLI of this package against a database; rejects with its output unless it exits 0. */
async function prisma(url: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [prismaCli, ...args], {
    cwd: packageDirectory,
    env: { ...process.env, DATABASE_URL: url, PRISMA_HIDE_UPDATE_MESSAGE: "1" },
  });
  return stdout;
}

async function migrated(): Promise<string> {
  const url = await postgres.createDatabase();
  const database = await openDatabase({ url, applicationName: "schema-test", log });
  await migrate({ database, directory: migrationsDirectory, log });
  await database.close();
  return url;
}

it("the migrations lead to exactly what schema.prisma says", async () => {
  const url = await migrated();
  const diff = ["migrate", "diff", "--from-config-datasource", "--to-schema", "prisma/schema.prisma", "--exit-code"];
  expect(await prisma(url, ...diff)).toContain("No difference detected");

  const database = await openDatabase({ url, applicationName: "schema-test", log });
  await database.query("ALTER TABLE commands ADD COLUMN unexpected text");
  await database.close();
  await expect(prisma(url, ...diff)).rejects.toMatchObject({ code: 2 });
});

it("Prisma's own CLI takes the start-up's migrations for applied", async () => {
  expect(await prisma(await migrated(), "migrate", "status")).toContain("Database schema is up to date");
});
