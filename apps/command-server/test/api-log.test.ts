import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "@fleetwire/testbed";
import { startApiServer, type ApiServer } from "./api-server.ts";

let api: ApiServer;
beforeAll(async () => {
  api = await startApiServer({ LOG_LEVEL: "info" });
});
afterAll(() => api.close());

/** The first line of the log that has all of this. */
function line(wanted: Record<string, unknown>): Promise<Record<string, unknown>> {
  const matches = (entry: Record<string, unknown>) =>
    Object.entries(wanted).every(([key, value]) => entry[key] === value);
  const found = () => api.log.map((text): Record<string, unknown> => JSON.parse(text)).find(matches);
  return eventually(found, { deadlineMs: 5_000, what: `a line with ${JSON.stringify(wanted)}` });
}

const body = { agentId: "offline", allowUnknownAgent: true, command: "uptime" };

test("the log's line of a request that queued or cancelled a command names the command and its agent", async () => {
  const { json } = await api.call("POST", "/commands", { body });
  const commandId = String(json["commandId"]);
  expect(await line({ commandId, route: "/commands" })).toMatchObject({ agentId: "offline", status: 202 });
  await api.call("POST", `/commands/${commandId}/cancel`);
  expect(await line({ commandId, route: "/commands/:id/cancel" })).toMatchObject({ agentId: "offline", status: 200 });
});

test("a command that was queued over gRPC is in the log too", async () => {
  const metadata = api.metadata();
  const commandId = await new Promise<string>((resolve, reject) => {
    api.grpc.queueCommand(body, metadata, (error, answer) =>
      answer === undefined ? reject(error ?? new Error("no answer")) : resolve(answer.commandId),
    );
  });
  expect(await line({ commandId })).toMatchObject({ agentId: "offline", level: "info" });
});

test("a command that nobody took in time is in the log", async () => {
  const expiresAt = new Date(Date.now() + 1_000).toISOString();
  const { json } = await api.call("POST", "/commands", { body: { ...body, expiresAt } });
  expect(await line({ commandId: json["commandId"], status: "expired" })).toMatchObject({ agentId: "offline" });
});
