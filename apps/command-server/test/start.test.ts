import { once } from "node:events";
import { connect } from "node:http2";
import { join } from "node:path";
import { Metadata, credentials, status, type ServiceError } from "@grpc/grpc-js";
import { CommandService } from "@fleetwire/proto";
import { createLifecycle, createLogger, type Lifecycle } from "@fleetwire/service";
import { eventually, removeTempDir, startPostgres, tempDir, type TestPostgres } from "@fleetwire/testbed";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { loadCommandServerSettings } from "../src/config.ts";
import { ensureOperatorToken, writeCliFile } from "../src/home.ts";
import { PortTakenError } from "../src/port-taken.ts";
import { startCommandServer, type RunningCommandServer } from "../src/start.ts";
import { takePort } from "./api-server.ts";

let postgres: TestPostgres;
const home = tempDir("start");
const log = createLogger({ service: "command-server", level: "silent" });
let lifecycle: Lifecycle;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterEach(() => lifecycle.stop("test over"));
afterAll(async () => {
  await postgres.close();
  removeTempDir(home);
});

/** Starts on free ports, on a database server that is there, unless the variables say otherwise. */
function start(env: Record<string, string> = {}): Promise<RunningCommandServer> {
  lifecycle = createLifecycle({ log });
  const settings = loadCommandServerSettings({
    env: {
      FLEETWIRE_HOME: home,
      DATABASE_URL: postgres.url,
      COMMAND_SERVER_PORT: "0",
      COMMAND_SERVER_GRPC_PORT: "0",
      ...env,
    },
  });
  return startCommandServer({ settings, log, lifecycle });
}

describe("a start", () => {
  test("makes an operator's token for the home, and keeps it", async () => {
    const { httpUrl, grpcAddress, operatorToken } = await start();
    const token = String(operatorToken);
    // As the process itself does when it is ready.
    await writeCliFile(home, { urls: { commands: httpUrl, grpc: grpcAddress }, token });
    expect(await ensureOperatorToken(home)).toBe(token);
    const answer = await fetch(`${httpUrl}/agents`, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(200);
  });

  test("ends in order although a client holds a call open that never ends", async () => {
    const { grpcAddress } = await start();
    const session = connect(`http://${grpcAddress}`);
    session.on("error", () => {}); // cut, in the end
    const call = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Watch",
      "content-type": "application/grpc",
      te: "trailers",
    });
    call.on("error", () => {});
    call.end(Buffer.alloc(5));
    await once(call, "data");
    const cut = once(session, "close");
    expect(await lifecycle.stop("test")).toBe(true);
    await cut;
  });

  test.each(["COMMAND_SERVER_PORT", "COMMAND_SERVER_GRPC_PORT"])(
    "names a port that is taken, and %s",
    async (setting) => {
      const { port, release } = await takePort();
      const failure = await start({ [setting]: String(port) }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(PortTakenError);
      expect(failure).toMatchObject({ port, setting });
      expect(String(failure)).toContain(`${port} (${setting})`);
      await release();
    },
  );

  test.each([
    [{ COMMAND_SERVER_HOST: "0.0.0.0" }, /COMMAND_SERVER_HOST is 0\.0\.0\.0: beyond loopback TLS is needed/],
    [{ COMMAND_SERVER_GRPC_HOST: "::" }, /COMMAND_SERVER_GRPC_HOST is ::: beyond loopback TLS is needed/],
    [{ COMMAND_SERVER_TLS_CERT: "/x" }, /belong together/],
    [
      { COMMAND_SERVER_TLS_CERT: "/x", COMMAND_SERVER_TLS_KEY: "/y" },
      /COMMAND_SERVER_TLS_(CERT|KEY): .* can't be read/,
    ],
    [{ COMMAND_STORE: "valkey", VALKEY_SENTINELS: "here" }, /VALKEY_SENTINELS: "here" isn.t host:port/],
    [{ COMMAND_STORE: "valkey", VALKEY_URL: "http://x" }, /VALKEY_URL: expected redis:/],
    [{ AUTH_TOKEN_FILE: join(home, "nowhere.json") }, /nowhere\.json can't be read/],
  ])("is refused for %j, saying why", async (env, message) => {
    await expect(start(env as Record<string, string>)).rejects.toThrow(message);
  });
});

describe("readiness", () => {
  test("says why while the database is away, answers 503 with Retry-After, and comes back", async () => {
    const { httpUrl, operatorToken } = await start();
    const headers = { authorization: `Bearer ${String(operatorToken)}` };
    const ready = () => fetch(`${httpUrl}/health/ready`);
    expect((await ready()).status).toBe(200);
    await postgres.stop();
    const away = await eventually(
      async () => {
        const answer = await ready();
        return answer.status === 503 && ((await answer.json()) as { checks: Record<string, { reason: string }> });
      },
      { deadlineMs: 10_000, what: "not ready" },
    );
    expect(away.checks["store"]?.reason).toBeTruthy();
    const refused = await fetch(`${httpUrl}/commands`, { headers });
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([503, "store_unavailable"]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await fetch(`${httpUrl}/health/live`)).status).toBe(200);
    await postgres.start();
    await eventually(async () => (await ready()).status === 200, { deadlineMs: 20_000, what: "ready again" });
    expect((await fetch(`${httpUrl}/commands`, { headers })).status).toBe(200);
  });
});

test("a stop sends followers elsewhere and answers nothing more", async () => {
  const { httpUrl, grpcAddress, operatorToken } = await start({ COMMAND_SERVER_GO_AWAY: "100ms" });
  const authorization = `Bearer ${String(operatorToken)}`;
  const queued = await fetch(`${httpUrl}/commands`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify({ agentId: "later", command: "uptime", allowUnknownAgent: true }),
  });
  const { commandId } = (await queued.json()) as { commandId: string };
  const following = await fetch(`${httpUrl}/events?follow=true`, { headers: { authorization } });
  const body = following.text();
  const client = new CommandService(grpcAddress, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("authorization", authorization);
  const call = client.watchCommand({ commandId }, metadata);
  const ended = new Promise<ServiceError>((resolve) => call.on("error", (error: ServiceError) => resolve(error)));
  await new Promise((resolve) => call.once("data", resolve));

  expect(await lifecycle.stop("test")).toBe(true);
  expect(await body).not.toContain("problem");
  const { code, metadata: trailer } = await ended;
  expect([code, trailer.get("fleetwire-code")]).toEqual([status.UNAVAILABLE, ["server_stopping"]]);
  await expect(fetch(`${httpUrl}/health/live`)).rejects.toThrow("fetch failed");
  client.close();
});
