import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiServer, type ApiServer, type Who } from "./api-server.ts";
import { enrolAgent } from "./driven-agent.ts";

let api: ApiServer;
let agentId: string;
let commandId: string;
let tokenId: string;

beforeAll(async () => {
  api = await startApiServer();
  agentId = await enrolAgent(api.running.store, "acme");
  const queued = await api.call("POST", "/commands", { body: { agentId, command: "uptime" } });
  commandId = String(queued.json["commandId"]);
  tokenId = String((await api.call("POST", "/join-tokens", { body: {} })).json["tokenId"]);
});
afterAll(() => api.close());

const routes: [method: string, path: () => string, body?: () => object][] = [
  ["POST", () => "/commands", () => ({ agentId, command: "id" })],
  ["GET", () => "/commands"],
  ["GET", () => `/commands/${commandId}`],
  ["POST", () => `/commands/${commandId}/cancel`],
  ["GET", () => `/commands/${commandId}/output`],
  ["GET", () => `/commands/${commandId}/output?follow=true`],
  ["GET", () => "/agents"],
  ["GET", () => `/agents/${agentId}`],
  ["POST", () => `/agents/${agentId}/revoke`],
  ["GET", () => "/join-tokens"],
  ["POST", () => "/join-tokens", () => ({})],
  ["DELETE", () => `/join-tokens/${tokenId}`],
  ["GET", () => "/events"],
  ["GET", () => "/events?follow=true"],
];

describe.each(routes)("%s %s", (method, path, body) => {
  const call = (as: Who | null, headers: Record<string, string> = {}) =>
    api.call(method, path(), { as, headers, ...(body === undefined ? {} : { body: body() }) });

  test("needs a token", async () => {
    const answer = await call(null);
    expect([answer.status, answer.json["code"]]).toEqual([401, "unauthenticated"]);
  });

  test.each(["Bearer fw_nope", "Bearer", "Basic YTpi", "Bearer a b", "bearer "])(
    "refuses %j",
    async (authorization) => {
      expect((await call(null, { authorization })).status).toBe(401);
    },
  );
});

test("every route that is described needs a token, but for health and the description", async () => {
  const { json } = await api.call("GET", "/openapi.json", { as: null });
  const paths = json["paths"] as Record<string, Record<string, { security?: unknown[] }>>;
  const open = Object.entries(paths).flatMap(([path, operations]) =>
    Object.values(operations).some(({ security }) => security?.length === 0) ? [path] : [],
  );
  expect(open.toSorted()).toEqual(["/health/live", "/health/ready"]);
});

describe("another company", () => {
  test.each([
    ["POST", () => "/commands", "agent_unknown", () => ({ agentId, command: "id" })],
    ["GET", () => `/commands/${commandId}`, "command_unknown"],
    ["POST", () => `/commands/${commandId}/cancel`, "command_unknown"],
    ["GET", () => `/commands/${commandId}/output`, "command_unknown"],
    ["GET", () => `/commands/${commandId}/output?follow=true`, "command_unknown"],
    ["GET", () => `/agents/${agentId}`, "agent_unknown"],
    ["POST", () => `/agents/${agentId}/revoke`, "agent_unknown"],
    ["DELETE", () => `/join-tokens/${tokenId}`, "join_token_unknown"],
  ] as [string, () => string, string, (() => object)?][])(
    "is answered 404 on %s %s",
    async (method, path, code, body) => {
      const answer = await api.call(method, path(), { as: "other", ...(body === undefined ? {} : { body: body() }) });
      expect([answer.status, answer.json["code"]]).toEqual([404, code]);
    },
  );

  test.each(["/commands", "/agents", "/join-tokens", "/events"])("finds nothing of ours in GET %s", async (path) => {
    expect((await api.call("GET", path)).json["items"]).not.toEqual([]);
    expect((await api.call("GET", path, { as: "other" })).json["items"]).toEqual([]);
  });

  test("isn't reached by allowing unknown agents: the command waits for an agent of its own company", async () => {
    const body = { agentId, command: "id", allowUnknownAgent: true };
    const answer = await api.call("POST", "/commands", { as: "other", body });
    expect(answer.json["code"] ?? "queued").toMatch(/^(agent_unknown|queued)$/);
    const ours = await api.call("GET", `/commands?agentId=${agentId}`);
    expect((ours.json["items"] as unknown[]).length).toBe(1);
  });
});

describe("scopes", () => {
  test.each([
    ["POST", "/commands", 403],
    ["GET", "/commands", 200],
    ["GET", "/agents", 403],
    ["GET", "/join-tokens", 403],
    ["POST", "/join-tokens", 403],
    ["GET", "/events", 200],
    ["GET", "/metrics", 403],
  ])("one who may only read commands gets for %s %s: %i", async (method, path, status) => {
    const body = method === "POST" ? { body: {} } : {};
    expect((await api.call(method, path, { as: "reader", ...body })).status).toBe(status);
  });
});
