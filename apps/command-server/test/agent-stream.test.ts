import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { AgentService, type AgentServiceHandlers } from "@fleetwire/proto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AgentStream, type StreamEnd } from "../src/agents/agent-stream.ts";
import { WireStream } from "./wire-agent.ts";

/** What a test sees of the server's side of one stream. */
interface Seen {
  stream: AgentStream;
  ends: StreamEnd[];
  overflows: number;
}

describe("AgentStream", () => {
  let server: Server;
  let address: string;
  let seen: Promise<Seen>;
  let agent: WireStream;

  beforeEach(async () => {
    server = new Server();
    const { promise, resolve } = Promise.withResolvers<Seen>();
    seen = promise;
    const handlers: AgentServiceHandlers = {
      Enroll: (_, callback) => callback({ code: status.UNIMPLEMENTED }),
      Connect: (call) => {
        const limits = { maxFrames: 100, maxBytes: 1024 * 1024, flushGraceMs: 100 };
        const one: Seen = { stream: new AgentStream(call, limits), ends: [], overflows: 0 };
        one.stream.listen({
          frame: () => {},
          ended: (how) => one.ends.push(how),
          overflow: () => (one.overflows += 1),
        });
        resolve(one);
      },
    };
    server.addService(AgentService.service, handlers);
    const port = await new Promise<number>((done, failed) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error ? failed(error) : done(bound),
      );
    });
    address = `127.0.0.1:${port}`;
    agent = new WireStream(address);
  });

  afterEach(() => {
    agent.close();
    server.forceShutdown();
  });

  it("says `closed` once when the agent ends its side", async () => {
    const { stream, ends } = await seen;
    agent.endSending();
    await expect.poll(() => ends).toEqual(["closed"]);
    stream.finish(null);
    await stream.closed;
    expect((await agent.ended()).status).toBe("OK");
    expect(ends).toEqual(["closed"]);
  });

  it("says `lost` once when the agent's connection goes away", async () => {
    const { stream, ends } = await seen;
    agent.close();
    await stream.closed;
    await expect.poll(() => ends).toEqual(["lost"]);
  });

  it("delivers what was sent before the status of the end", async () => {
    const { stream, ends } = await seen;
    for (let sequence = 1; sequence <= 50; sequence += 1) stream.send({ heartbeatAck: { sequence } });
    stream.finish({ code: status.UNAUTHENTICATED, details: "no" }, { last: { goAway: { message: "bye" } } });
    expect(await agent.ended()).toMatchObject({ status: "UNAUTHENTICATED", details: "no" });
    expect(agent.all("heartbeatAck").map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
    expect(agent.all("goAway")).toHaveLength(1);
    await stream.closed;
    expect(ends).toEqual([]);
  });

  it("overflows when the agent doesn't read, and lets go of it after the grace", async () => {
    const one = await seen;
    agent.stopReading();
    const frame = { assign: { commandId: "c1", command: "x".repeat(64 * 1024) } };
    while (one.overflows === 0) {
      one.stream.send(frame);
      await new Promise((resolve) => setImmediate(resolve));
    }
    one.stream.finish({ code: status.RESOURCE_EXHAUSTED, details: "slow" }, { drop: true });
    await one.stream.closed;
    expect(one.stream.over).toBe(true);
  });
});
