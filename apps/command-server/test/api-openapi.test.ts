import { httpErrors } from "@fleetwire/service";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { allErrors } from "../src/errors.ts";
import { startApiServer, type ApiServer } from "./api-server.ts";

interface Operation {
  summary?: string;
  description?: string;
  responses: Record<string, unknown>;
  parameters?: { name: string; in: string; schema?: unknown }[];
  requestBody?: unknown;
}

let api: ApiServer;
let document: Record<string, unknown>;
let operations: [name: string, operation: Operation][];

beforeAll(async () => {
  api = await startApiServer();
  document = (await api.call("GET", "/openapi.json", { as: null })).json;
  const paths = document["paths"] as Record<string, Record<string, Operation>>;
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
});
afterAll(() => api.close());

describe("the OpenAPI document", () => {
  test("is of version 3.1 and names the service", () => {
    expect(document).toMatchObject({
      openapi: "3.1.0",
      info: { title: "Fleetwire command-server", version: expect.any(String) },
    });
  });

  test("has every route of the API", () => {
    const names = operations.map(([name]) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        "POST /commands",
        "GET /commands",
        "GET /commands/{id}",
        "POST /commands/{id}/cancel",
        "GET /commands/{id}/output",
        "GET /rollouts",
        "GET /rollouts/{id}",
        "POST /rollouts/{id}/stop",
        "POST /rollouts/{id}/retry",
        "GET /rollouts/{id}/results",
        "GET /rollouts/{id}/groups",
        "GET /agents",
        "GET /agents/{id}",
        "POST /agents/{id}/revoke",
        "POST /join-tokens",
        "GET /join-tokens",
        "DELETE /join-tokens/{id}",
        "GET /events",
        "GET /health/live",
        "GET /health/ready",
        "GET /metrics",
      ]),
    );
  });

  test("says of every operation what it is, what it takes in its path, and what it may be refused with", () => {
    for (const [name, operation] of operations) {
      expect(operation.summary).toBeTruthy();
      expect(operation.responses["default"]).toBeDefined();
      const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
      expect(inPath.map((parameter) => parameter.name)).toEqual(
        [...name.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter),
      );
    }
  });

  test("lists every code that the service may answer with", () => {
    const { schemas } = document["components"] as {
      schemas: { Problem: { properties: { code: { enum: string[] } } } };
    };
    expect(schemas.Problem.properties.code.enum.toSorted()).toEqual(
      [...new Set([...Object.keys(httpErrors), ...Object.keys(allErrors)])].toSorted(),
    );
  });

  test("has nothing that it refers to and doesn't contain", () => {
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g);
    for (const [, path = ""] of references) {
      let target: unknown = document;
      for (const part of path.split("/")) target = (target as Record<string, unknown>)[part];
      expect(target).toBeDefined();
    }
  });

  test("is shown to people at /docs", async () => {
    const answer = await api.call("GET", "/docs", { as: null });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toContain("text/html");
  });
});

test("metrics have the API's, with bounded labels, after real traffic", async () => {
  const body = { agentId: "nobody", allowUnknownAgent: true };
  await api.call("POST", "/commands", { body: { ...body, command: "uptime" } });
  await api.call("POST", "/commands", { body: { ...body, type: "MY_PLUGIN" } });
  const cancelled = await api.call("POST", "/commands", { body: { ...body, command: "uptime" } });
  await api.call("POST", `/commands/${String(cancelled.json["commandId"])}/cancel`);
  const { text } = await api.call("GET", "/metrics");
  expect(text).toMatch(/^command_cancels_total\{outcome="cancelled",service="command-server"\} 1$/m);
  expect(text).toMatch(/^commands_finished_total\{status="cancelled",service="command-server"\} 1$/m);
  expect(text).toMatch(/^commands_finished_total\{status="expired",service="command-server"\} 0$/m);
  expect(text).toMatch(/^commands_queued_total\{type="SHELL",service="command-server"\} 2$/m);
  expect(text).toMatch(/^commands_queued_total\{type="other",service="command-server"\} 1$/m);
  expect(text).toMatch(/^command_queue_depth\{state="queued",service="command-server"\} \d+$/m);
  for (const name of [
    "command_processing_duration_seconds",
    "command_dispatch_latency_seconds",
    "agents_connected",
    "agent_disconnects_total",
    "commands_finished_total",
    "fleet_agents_online",
    "command_followers",
    "rollouts_started_total",
    "rollouts_ended_total",
    "rollouts_active",
  ]) {
    expect(text).toContain(`# TYPE ${name} `);
  }
  expect(text).not.toContain("MY_PLUGIN");
});
