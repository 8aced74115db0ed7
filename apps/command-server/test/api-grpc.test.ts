import { randomUUID } from "node:crypto";
import {
  Metadata,
  makeGenericClientConstructor,
  credentials,
  status,
  type ClientDuplexStream,
  type ServiceError,
} from "@grpc/grpc-js";
import type { CommandInput, WatchCommandResponse } from "@fleetwire/proto";
import { service as healthService } from "grpc-health-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiServer, type ApiServer } from "./api-server.ts";
import { driveAgent, enrolAgent } from "./driven-agent.ts";

let api: ApiServer;
let agentId: string;

beforeAll(async () => {
  api = await startApiServer();
  agentId = await enrolAgent(api.running.store, "acme");
});
afterAll(() => api.close());

type Method = "queueCommand" | "getCommand" | "listCommands" | "cancelCommand";

/** Resolves to the response, or to how it failed. */
function call(method: Method, request: object, metadata = api.metadata()): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    const answer = (error: ServiceError | null, response?: object) =>
      resolve(
        error
          ? { error: status[error.code], code: error.metadata.get("fleetwire-code")[0], details: error.details }
          : { ...response },
      );
    const { grpc } = api;
    const calls = {
      queueCommand: () => grpc.queueCommand(request, metadata, answer),
      getCommand: () => grpc.getCommand(request, metadata, answer),
      listCommands: () => grpc.listCommands(request, metadata, answer),
      cancelCommand: () => grpc.cancelCommand(request, metadata, answer),
    };
    calls[method]();
  });
}

async function queued(request: object = {}): Promise<string> {
  const answer = await call("queueCommand", { agentId, command: "uptime", ...request });
  expect(answer).toMatchObject({ status: "COMMAND_STATUS_QUEUED" });
  return String(answer["commandId"]);
}

async function get(commandId: string): Promise<CommandInput> {
  const { command } = await call("getCommand", { commandId });
  return command as CommandInput;
}

describe("CommandService", () => {
  test("queues, shows, lists and cancels", async () => {
    const commandId = await queued({ args: { values: ["-p"] }, timeoutSeconds: 9, priority: 0 });
    const command = await get(commandId);
    expect(command).toMatchObject({
      commandId,
      agentId,
      type: "SHELL",
      command: "uptime",
      args: { values: ["-p"] },
      parametersJson: "{}",
      timeoutSeconds: 9,
      priority: 0,
      status: "COMMAND_STATUS_QUEUED",
      attempt: 1,
    });
    const listed = await call("listCommands", { agentId, statuses: ["COMMAND_STATUS_QUEUED"], limit: 1 });
    expect(listed).toMatchObject({ commands: [{ commandId }] });
    const cancelled = await call("cancelCommand", { commandId });
    expect(cancelled).toMatchObject({ command: { commandId, status: "COMMAND_STATUS_CANCELLED" } });
  });

  test("tells no arguments from none given", async () => {
    expect((await get(await queued({ args: { values: [] } }))).args).toEqual({ values: [] });
    expect((await get(await queued())).args ?? null).toBeNull();
  });

  test("knows an idempotency key that came over HTTP", async () => {
    const idempotencyKey = randomUUID();
    const overHttp = await api.call("POST", "/commands", { body: { agentId, command: "uptime", idempotencyKey } });
    expect(await queued({ idempotencyKey })).toBe(overHttp.json["commandId"]);
    expect(await call("queueCommand", { agentId, command: "reboot", idempotencyKey })).toMatchObject({
      error: "ALREADY_EXISTS",
      code: "idempotency_key_reused",
    });
  });

  test.each<[string, object, string, string]>([
    ["no agent", { agentId: "" }, "INVALID_ARGUMENT", "invalid_request"],
    ["an agent that never enrolled", { agentId: "nobody" }, "NOT_FOUND", "agent_unknown"],
    ["parameters that aren't JSON", { parametersJson: "{" }, "INVALID_ARGUMENT", "invalid_request"],
    ["parameters that are a list", { parametersJson: "[]" }, "INVALID_ARGUMENT", "invalid_request"],
    [
      "parameters 10,000 deep",
      { parametersJson: `{"a":${"[".repeat(10_000)}${"]".repeat(10_000)}}` },
      "INVALID_ARGUMENT",
      "invalid_request",
    ],
    ["a number beyond JSON's", { parametersJson: '{"a":1e400}' }, "INVALID_ARGUMENT", "invalid_request"],
    ["__proto__", { parametersJson: '{"__proto__":{"x":1}}' }, "INVALID_ARGUMENT", "invalid_request"],
    ["NUL", { command: "a\0b" }, "INVALID_ARGUMENT", "invalid_request"],
    [
      "parameters of the wrong type",
      { type: "PING", command: "", parametersJson: '{"a":1}' },
      "FAILED_PRECONDITION",
      "invalid_parameters",
    ],
    ["a timeout over a day", { timeoutSeconds: 86_401 }, "INVALID_ARGUMENT", "invalid_request"],
    ["an expiry in the past", { expiresAt: { seconds: 1 } }, "INVALID_ARGUMENT", "invalid_request"],
    [
      "an expiry out of all range",
      { expiresAt: { seconds: Number.MAX_SAFE_INTEGER, nanos: -1 } },
      "INVALID_ARGUMENT",
      "invalid_request",
    ],
    ["a retry that isn't one", { retry: { maxAttempts: 1 } }, "INVALID_ARGUMENT", "invalid_request"],
    ["a priority over ten", { priority: 4_294_967_295 }, "INVALID_ARGUMENT", "invalid_request"],
  ])("refuses %s", async (_what, change, error, code) => {
    expect(await call("queueCommand", { agentId, command: "uptime", ...change })).toMatchObject({ error, code });
  });

  test.each<[Method, object, string]>([
    ["getCommand", { commandId: randomUUID() }, "command_unknown"],
    ["getCommand", { commandId: "" }, "command_unknown"],
    ["getCommand", { commandId: "x\0'; drop table" }, "command_unknown"],
    ["cancelCommand", { commandId: randomUUID() }, "command_unknown"],
    ["listCommands", { cursor: "nope!" }, "invalid_cursor"],
    ["listCommands", { statuses: [99] }, "invalid_request"],
    ["listCommands", { limit: 501 }, "invalid_request"],
    ["listCommands", { agentId: "-x" }, "invalid_request"],
  ])("%s of %j is refused", async (method, request, code) => {
    expect(await call(method, request)).toMatchObject({ code });
  });

  test("answers a message over 4 MiB with RESOURCE_EXHAUSTED and goes on", async () => {
    expect(await call("queueCommand", { agentId, command: "x".repeat(5 * 1024 * 1024) })).toMatchObject({
      error: "RESOURCE_EXHAUSTED",
    });
    await queued();
  });
});

describe("who calls", () => {
  test.each<[string, () => Metadata, string]>([
    ["nobody", () => new Metadata(), "UNAUTHENTICATED"],
    ["a made-up token", () => bearer("fw_made-up"), "UNAUTHENTICATED"],
    ["no bearer", () => bearer("", "Basic YTpi"), "UNAUTHENTICATED"],
    ["one who may only read", () => api.metadata("reader"), "PERMISSION_DENIED"],
  ])("%s may not queue", async (_what, metadata, error) => {
    expect(await call("queueCommand", { agentId, command: "uptime" }, metadata())).toMatchObject({ error });
  });

  test("another company sees nothing of ours, on any call", async () => {
    const commandId = await queued();
    const metadata = api.metadata("other");
    for (const method of ["getCommand", "cancelCommand"] as const) {
      expect(await call(method, { commandId }, metadata)).toMatchObject({
        error: "NOT_FOUND",
        code: "command_unknown",
      });
    }
    expect(await call("listCommands", {}, metadata)).toMatchObject({ commands: [] });
    expect(await call("queueCommand", { agentId, command: "id" }, metadata)).toMatchObject({ code: "agent_unknown" });
    await expect(watch(commandId, {}, metadata).all).rejects.toThrow(/NOT_FOUND/);
  });
});

describe("WatchCommand", () => {
  test("tells each state, the output as it comes, and the terminal state last", async () => {
    const agent = await driveAgent(api.running.store, "acme");
    const commandId = await queued({ agentId: agent.agentId });
    const watched = watch(commandId, { output: true });
    await watched.first;
    const run = await agent.take();
    await agent.start(run);
    await agent.print(run, 0, Buffer.from([1, 2, 255]), "stderr");
    await agent.finish(run, { exitCode: 0, outputBytes: 3 });
    const messages = await watched.all;
    const states = messages.flatMap(({ command }) => (command ? [command.status] : []));
    expect(states[0]).toBe("COMMAND_STATUS_QUEUED");
    expect(states.filter((state) => state === "COMMAND_STATUS_COMPLETED")).toHaveLength(1);
    expect(messages.at(-1)?.command?.status).toBe("COMMAND_STATUS_COMPLETED");
    const outputs = messages.flatMap(({ output }) => (output ? [output] : []));
    expect(outputs).toEqual([{ offset: 0, stream: "OUTPUT_STREAM_STDERR", data: Buffer.from([1, 2, 255]) }]);
  });

  test("without output asked for, has it in the last message", async () => {
    const agent = await driveAgent(api.running.store, "acme");
    const commandId = await queued({ agentId: agent.agentId });
    const run = await agent.take();
    await agent.start(run);
    await agent.print(run, 0, "done\n");
    await agent.finish(run, { outputBytes: 5 });
    const messages = await watch(commandId, {}).all;
    expect(messages).toHaveLength(1);
    expect(messages[0]?.command?.result).toMatchObject({ exitCode: 0, output: Buffer.from("done\n") });
  });

  test("begins at the byte that is asked for", async () => {
    const agent = await driveAgent(api.running.store, "acme");
    const commandId = await queued({ agentId: agent.agentId });
    const run = await agent.take();
    await agent.start(run);
    await agent.print(run, 0, "0123456789");
    await agent.finish(run, { outputBytes: 10 });
    const messages = await watch(commandId, { output: true, outputOffset: 7 }).all;
    const outputs = messages.flatMap(({ output }) => (output ? [output] : []));
    expect(outputs.map(({ offset, data }) => [offset, data.toString()])).toEqual([[7, "789"]]);
  });

  test("refuses an offset beyond all numbers", async () => {
    const commandId = await queued();
    await expect(watch(commandId, { output: true, outputOffset: 2 ** 63 }).all).rejects.toThrow(/INVALID_ARGUMENT/);
  });

  test("ends with DEADLINE_EXCEEDED when the caller's deadline is over", async () => {
    const call = api.grpc.watchCommand({ commandId: await queued() }, api.metadata(), { deadline: Date.now() + 200 });
    const ended = new Promise<ServiceError>((resolve) => call.on("error", (error: ServiceError) => resolve(error)));
    call.resume();
    expect(status[(await ended).code]).toBe("DEADLINE_EXCEEDED");
  });
});

const bytes = (value: Buffer) => value;
const services = [
  "fleetwire.agent.v1.AgentService",
  "fleetwire.command.v1.CommandService",
  "fleetwire.command.v1.RolloutService",
];

test("health says SERVING for the server and each service", async () => {
  const Health = makeGenericClientConstructor(healthService, "grpc.health.v1.Health");
  const client = new Health(api.running.grpcAddress, credentials.createInsecure());
  for (const service of ["", ...services]) {
    const answer = await new Promise((resolve, reject) => {
      client["check"]?.({ service }, (error: ServiceError | null, response: unknown) =>
        error ? reject(error) : resolve(response),
      );
    });
    expect(answer).toMatchObject({ status: "SERVING" });
  }
  client.close();
});

test("reflection names each service, and describes each with its messages", async () => {
  const Reflection = makeGenericClientConstructor(
    {
      info: {
        path: "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        requestStream: true,
        responseStream: true,
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
      },
    },
    "reflection",
  );
  const client = new Reflection(api.running.grpcAddress, credentials.createInsecure());
  /** The answer's bytes as text. Fields: 4 file_containing_symbol, 7 list_services. */
  const ask = async (field: number, text: string): Promise<string> => {
    const stream: ClientDuplexStream<Buffer, Buffer> = client["info"]?.();
    stream.end(Buffer.concat([Buffer.from([(field << 3) | 2, text.length]), Buffer.from(text)]));
    const answers = await stream.toArray();
    return Buffer.concat(answers as Buffer[]).toString("latin1");
  };
  const listed = await ask(7, "*");
  for (const service of services) expect(listed).toContain(service);
  expect(await ask(4, "fleetwire.agent.v1.AgentService")).toContain("EnrollRequest");
  expect(await ask(4, "fleetwire.command.v1.CommandService")).toContain("QueueCommandRequest");
  expect(await ask(4, "fleetwire.command.v1.RolloutService")).toContain("StartRolloutRequest");
  client.close();
});

function bearer(token: string, value = `Bearer ${token}`): Metadata {
  const metadata = new Metadata();
  metadata.set("authorization", value);
  return metadata;
}

/** All messages of a watch; `first` resolves with the first one. */
function watch(commandId: string, request: { output?: boolean; outputOffset?: number }, metadata = api.metadata()) {
  const messages: WatchCommandResponse[] = [];
  const call = api.grpc.watchCommand({ commandId, ...request }, metadata);
  const first = new Promise<void>((resolve) => call.once("data", () => resolve()));
  const all = new Promise<WatchCommandResponse[]>((resolve, reject) => {
    call.on("data", (message: WatchCommandResponse) => messages.push(message));
    call.on("error", reject);
    call.on("end", () => resolve(messages));
  });
  return { first, all };
}
