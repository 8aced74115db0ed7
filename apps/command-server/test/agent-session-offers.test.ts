import { FleetwireError } from "@fleetwire/service";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Lane } from "../src/commands/command.ts";
import type { CommandStore, SessionSignals, SlotOffer } from "../src/store/command-store.ts";
import { storeErrors, unavailable } from "../src/store/errors.ts";
import { startSessionServer, type SessionServer } from "./session-server.ts";
import { startStoreBed, type StoreBed } from "./session-store.ts";
import { wireProfile } from "./wire-agent.ts";

describe("what sessions offer to a store, and hear of it", () => {
  let bed: StoreBed;
  const servers: SessionServer[] = [];

  beforeAll(async () => {
    bed = await startStoreBed();
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });
  afterAll(() => bed.close());

  /** A server, and the signals that it gave its store. */
  async function serve() {
    const opened = await bed.open();
    const given: SessionSignals[] = [];
    const store: CommandStore = {
      ...opened.store,
      onSignal(signals) {
        given.push(signals);
        return opened.store.onSignal(signals);
      },
    };
    const server = await startSessionServer({ ...opened, store });
    servers.push(server);
    const offer = (agentId: string, lane: Lane) => given[0]?.offer?.(agentId, lane) ?? null;
    return { server, signals: { offer, settleAll: () => given[0]?.settleAll?.() } };
  }

  async function connected(concurrency = 2) {
    const { server, signals } = await serve();
    const agent = await server.agent();
    const { stream, welcome } = await server.connect(agent, { profile: { ...wireProfile, concurrency } });
    const { agentId } = agent;
    let made: SlotOffer | null = null;
    const offer = async (): Promise<SlotOffer> => {
      // Its greeting may be on the way.
      await expect.poll(() => (made ??= signals.offer(agentId, "work"))).not.toBeNull();
      if (made === null) throw new Error("no offer");
      const taken = made;
      made = null;
      return taken;
    };
    return { server, signals, stream, welcome, agentId, offer };
  }

  it("is one slot at a time, of the session's own epoch, and none of another agent", async () => {
    const { signals, agentId, welcome, offer } = await connected();
    const first = await offer();
    expect(first.epoch).toBe(welcome.epoch);
    expect(signals.offer(agentId, "work")).toBeNull();
    expect(signals.offer(agentId, "control")).toBeNull();
    expect(signals.offer("nobody", "work")).toBeNull();
    first.settle(null);
    (await offer()).settle(null);
  });

  it("keeps other commands waiting until it is settled, and no longer", async () => {
    const { server, stream, agentId, offer } = await connected();
    const open = await offer();
    const commandId = await server.queue(agentId);
    expect(await server.store.get("default", commandId)).toMatchObject({ status: "queued" });
    open.settle(null);
    expect((await stream.next("assign")).commandId).toBe(commandId);
  });

  it("is nothing where no slot is free", async () => {
    const { server, signals, stream, agentId } = await connected(1);
    await server.queue(agentId);
    await stream.next("assign");
    expect(signals.offer(agentId, "work")).toBeNull();
    signals.offer(agentId, "control")?.settle(null);
  });

  it("ends the session where nobody knows whether it was taken", async () => {
    const { stream, offer } = await connected();
    const open = await offer();
    open.failed(unavailable(new Error("Connection is closed.")));
    expect((await stream.ended()).code).toBe("answer_timeout");
  });

  it("leaves the session alone where the store refused, or where it had been settled before", async () => {
    const { server, stream, agentId, offer } = await connected();
    (await offer()).failed(unavailable(new Error("NOREPLICAS Not enough good replicas to write."), "none"));
    (await offer()).failed(new FleetwireError(storeErrors.store_full));
    const settled = await offer();
    settled.settle(null);
    settled.failed(unavailable(new Error("Connection is closed.")));
    const commandId = await server.queue(agentId);
    expect((await stream.next("assign")).commandId).toBe(commandId);
  });

  it("doesn't keep a server that stops from sending its agents elsewhere, though the store says nothing", async () => {
    const { server, stream, offer } = await connected();
    const open = await offer();
    const gone = server.host.goAway({ withinMs: 400 });
    expect(await stream.next("goAway")).toMatchObject({ reason: "GO_AWAY_REASON_SERVER_STOPPING", reconnect: true });
    await gone;
    open.settle(null);
  });

  it("has every session opened anew where the store has lost changes", async () => {
    const { signals, stream } = await connected();
    signals.settleAll();
    expect((await stream.ended()).code).toBe("session_lost");
  });
});
