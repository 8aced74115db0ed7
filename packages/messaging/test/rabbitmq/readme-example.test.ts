import { startRabbitMQ, type TestRabbitMQ } from "@fleetwire/testbed";
import { Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MessagingError, type MessagingErrorCode } from "../../src/index.ts";
import { messagingMetrics } from "../../src/metrics.ts";
import { rabbitmqCapabilities } from "../../src/rabbitmq/capabilities.ts";
import { connectionStates, rabbitmqDefaults } from "../../src/rabbitmq/index.ts";
import { rabbitmqMetrics } from "../../src/rabbitmq/metrics.ts";
import { codeBlocks, programFolder, runProgram } from "./code-blocks.ts";
import { closedSet, readSource } from "./read-source.ts";

const readme = readSource("README.md");

/** Cells of the rows whose first cell is a `name`, by that name. */
function rows(heading: string): Map<string, string[]> {
  const [, section = ""] = new RegExp(`^## ${heading}\n([^]*?)(?=^## |$(?![^]))`, "m").exec(readme) ?? [];
  const found = [...section.matchAll(/^\| (.*) \|$/gm)].map(([, row = ""]) => row.split("|").map((one) => one.trim()));
  return new Map(found.map(([name = "", ...cells]) => [name.replaceAll("`", ""), cells]));
}

describe("the example", () => {
  let broker: TestRabbitMQ;
  const programs = programFolder();
  beforeAll(async () => {
    broker = await startRabbitMQ();
  }, 300_000);
  afterAll(() => {
    programs.remove();
    return broker.close();
  });

  test("type-checks, runs, retries, and ends in order", async () => {
    const [block] = codeBlocks("packages/messaging/README.md");
    if (block === undefined) throw new Error("the README has no example");
    const program = programs.write("readme.ts", block.code);
    expect(await programs.check()).toBe("");
    const { url } = await broker.createVhost();
    expect(await runProgram(program, { SIRIUS_RABBITMQ: url }, 2)).toEqual([
      "stored",
      "mail to ann@example.com, attempt 2",
    ]);
  });
});

describe("its tables have", () => {
  test("every code of an error, and whether it is worth another try", () => {
    const codes = closedSet("src/errors.ts", "MessagingErrorCode") as MessagingErrorCode[];
    expect(codes.length).toBeGreaterThan(15);
    const table = rows("Errors");
    for (const code of codes) {
      const { retryable } = new MessagingError(code, "");
      expect([code, table.get(code)?.[0]]).toEqual([code, retryable ? "yes" : "no"]);
    }
  });

  test("every capability, as it is", () => {
    const { provider: _, longestLeaseMs, ...keepings } = rabbitmqCapabilities(rabbitmqDefaults.consumerTimeoutMs);
    const table = rows("What it can do");
    for (const [name, keeping] of Object.entries(keepings))
      expect([name, table.get(name)?.[0]]).toEqual([name, keeping]);
    expect(table.get("longestLeaseMs")?.[0]).toBe(`${(longestLeaseMs ?? 0) / 60_000} min`);
  });

  test("every metric with its type and labels, and every state of a connection", async () => {
    const registry = new Registry();
    messagingMetrics(registry);
    rabbitmqMetrics(registry);
    const table = rows("Metrics");
    const metrics = registry.getMetricsAsArray() as unknown as { name: string; type: string; labelNames: string[] }[];
    expect(metrics.length).toBeGreaterThan(15);
    for (const { name, labelNames } of metrics) {
      const [, type] = new RegExp(`^# TYPE ${name} (\\w+)$`, "m").exec(await registry.metrics()) ?? [];
      const labels = labelNames.map((label) => `\`${label}\``).join(", ");
      expect([name, ...(table.get(name) ?? []).slice(0, 2)]).toEqual([name, type, labels]);
    }
    for (const [state, value] of Object.entries(connectionStates)) expect(table.get(String(value))?.[0]).toBe(state);
  });

  test("every setting with its default", () => {
    const table = rows("Settings");
    const [, body = ""] =
      /export interface RabbitMQOptions [^{]*\{([^]*?)\n\}/.exec(readSource("src/rabbitmq/options.ts")) ?? [];
    const own = [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name = ""]) => name);
    expect(own).toContain("target");
    for (const name of own) expect(readme).toContain(`\`${name}\``);
    for (const [name, value] of Object.entries(rabbitmqDefaults)) {
      expect([name, table.get(name)?.[0]]).toEqual([name, `\`${value.toLocaleString("en").replaceAll(",", "_")}\``]);
    }
  });
});
