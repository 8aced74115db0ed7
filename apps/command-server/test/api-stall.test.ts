import { status, type ServiceError } from "@grpc/grpc-js";
import { eventually } from "@fleetwire/testbed";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApiServer, type ApiServer } from "./api-server.ts";
import { driveAgent } from "./driven-agent.ts";

let api: ApiServer;

beforeAll(async () => {
  api = await startApiServer({
    COMMAND_SERVER_STREAM_STALL: "200ms",
    COMMAND_OUTPUT_HEAD_BYTES: String(32 * 1024 * 1024),
  });
});
afterAll(() => api.close());

/** A command whose kept output is far more than the buffers between server and reader hold. */
async function largeOutput(): Promise<string> {
  const agent = await driveAgent(api.running.store, "acme");
  await api.call("POST", "/commands", { body: { agentId: agent.agentId, command: "work" } });
  const run = await agent.take();
  const chunk = Buffer.alloc(64 * 1024, "z");
  let offset = 0;
  for (let count = 0; count < 400; count += 1) offset = (await agent.print(run, offset, chunk)) ?? offset;
  return run.commandId;
}

async function followers(): Promise<number> {
  const { text } = await api.call("GET", "/metrics");
  return Number(/^command_followers\{.*\} (\d+)$/m.exec(text)?.[1]);
}

async function becomes(count: number): Promise<void> {
  await eventually(async () => (await followers()) === count, { deadlineMs: 20_000, what: `${count} followers` });
}

test("a reader of events who takes nothing is disconnected", async () => {
  const response = await api.open(`/commands/${await largeOutput()}/output?follow=true`);
  await becomes(1);
  await becomes(0);
  await expect(response.text()).rejects.toThrow("terminated");
});

test("a watcher over gRPC who takes nothing is disconnected", async () => {
  const call = api.grpc.watchCommand({ commandId: await largeOutput(), output: true }, api.metadata());
  const ended = new Promise<ServiceError>((resolve) => call.on("error", (error: ServiceError) => resolve(error)));
  // grpc-js holds its peer back only once something was read.
  call.once("data", () => call.pause());
  await becomes(1);
  await becomes(0);
  expect((await ended).code).toBe(status.CANCELLED);
});
