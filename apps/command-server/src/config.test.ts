import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeSettings } from "@fleetwire/service";
import { afterAll, describe, expect, test } from "vitest";
import { commandServerSettings, loadCommandServerSettings } from "./config.ts";

const folder = mkdtempSync(join(tmpdir(), "command-server-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

function yaml(text: string): string {
  const path = join(folder, `${Math.random()}.yaml`);
  writeFileSync(path, text);
  return path;
}

describe("settings", () => {
  test("with nothing set listen on loopback, on the documented ports, and use what is embedded", () => {
    expect(loadCommandServerSettings({ env: {} })).toMatchObject({
      host: "127.0.0.1",
      port: 3004,
      grpcHost: "127.0.0.1",
      grpcPort: 50051,
      store: "postgres",
      databaseUrl: undefined,
      databaseServerUrl: undefined,
      pollingInterval: 5_000,
      batchSize: 20,
      cleanupInterval: 3_600_000,
      recordTtl: 7 * 86_400_000,
      defaultTimeout: 300_000,
      defaultExpiry: 86_400_000,
    });
  });

  test("are read from a file under the names of the documents", () => {
    const file = yaml("pollingInterval: 250ms\nbatchSize: 7\ncleanupInterval: ${EVERY:-30m}\nhttp:\n  port: 0\n");
    expect(loadCommandServerSettings({ env: { COMMAND_SERVER_CONFIG: file } })).toMatchObject({
      pollingInterval: 250,
      batchSize: 7,
      cleanupInterval: 1_800_000,
      port: 0,
    });
  });

  test("go by flag, then environment, then file", () => {
    const file = yaml("batchSize: 1\npollingInterval: 1s\nhttp:\n  port: 1\n");
    const settings = loadCommandServerSettings({
      argv: ["--config", file, "--port=3"],
      env: { COMMAND_SERVER_PORT: "2", COMMAND_BATCH_SIZE: "2" },
    });
    expect([settings.port, settings.batchSize, settings.pollingInterval]).toEqual([3, 2, 1_000]);
  });

  test("that are wrong are all told at once, each with its place", () => {
    const file = yaml("batchSize: many\nbatchSise: 3\n");
    const load = () =>
      loadCommandServerSettings({ argv: [`--config=${file}`, "--prot=1"], env: { COMMAND_SERVER_PORT: "99999" } });
    expect(load).toThrow(/COMMAND_SERVER_PORT: expected a port/);
    expect(load).toThrow(/:1:.*batchSize: expected a whole number/);
    expect(load).toThrow(/batchSise.*batchSize/);
    expect(load).toThrow(/--prot.*--port/);
  });
});

test("the README has every setting, with its flag, key and default", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const rows = readme.split("\n").map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")));
  for (const { env, flag, key, default: fallback, doc } of describeSettings(commandServerSettings)) {
    expect(rows).toContainEqual(["", env[0], flag ?? "", key, fallback ?? "", doc, ""]);
  }
});
