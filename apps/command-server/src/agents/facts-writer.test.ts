import { createLogger, systemClock } from "@fleetwire/service";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../commands/command.ts";
import { createFactsWriter } from "./facts-writer.ts";

const log = createLogger({ service: "facts-test", level: "silent" });

/** What would be written, and when it is let through. */
function recorder() {
  const written: [agentId: string, facts: JsonObject][] = [];
  const open: (() => void)[] = [];
  let most = 0;
  return {
    written,
    get most() {
      return most;
    },
    letThrough: () => open.splice(0).forEach((resolve) => resolve()),
    async putFacts(agentId: string, facts: JsonObject): Promise<void> {
      written.push([agentId, facts]);
      const { promise, resolve } = Promise.withResolvers<void>();
      open.push(resolve);
      most = Math.max(most, open.length);
      await promise;
    },
  };
}

function source(agentId: string) {
  const one = { agentId, epoch: 1, acknowledged: 0, acknowledgeFacts: () => void (one.acknowledged += 1) };
  return one;
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("facts that agents send by themselves", () => {
  it("are written two at a time however many come at once, and acknowledged when they are stored", async () => {
    const store = recorder();
    const writer = createFactsWriter({ store, log, clock: systemClock, pauseMs: 0 });
    const sources = Array.from({ length: 100 }, (_, n) => source(`a${n}`));
    for (const one of sources) writer.add(one, '{"a":1}');
    await settle();
    expect(sources.filter(({ acknowledged }) => acknowledged > 0)).toEqual([]);
    while (store.written.length < sources.length) {
      store.letThrough();
      await settle();
    }
    store.letThrough();
    await settle();
    expect(store.most).toBe(2);
    expect(sources.map(({ acknowledged }) => acknowledged)).toEqual(sources.map(() => 1));
    await writer.stop();
  });

  it("are of each agent the last, one write after the other", async () => {
    const store = recorder();
    const writer = createFactsWriter({ store, log, clock: systemClock, pauseMs: 0 });
    const agent = source("a");
    for (const n of [1, 2, 3]) writer.add(agent, JSON.stringify({ n }));
    await settle();
    expect(store.written).toEqual([["a", { n: 1 }]]);
    store.letThrough();
    await settle();
    store.letThrough();
    await settle();
    expect(store.written).toEqual([
      ["a", { n: 1 }],
      ["a", { n: 3 }],
    ]);
    await writer.stop();
  });

  it("aren't taken beyond the bound, nor too soon after the session's last ones", async () => {
    const store = recorder();
    const writer = createFactsWriter({ store, log, clock: systemClock, pauseMs: 60_000, maxBytes: 20 });
    const [first, second] = [source("a"), source("b")];
    writer.add(first, '{"a":1}');
    writer.add(second, `{"b":"${"x".repeat(30)}"}`);
    writer.add(first, '{"a":2}');
    writer.add(source("a"), '{"a":3}');
    await settle();
    store.letThrough();
    await settle();
    store.letThrough();
    await settle();
    expect(store.written).toEqual([
      ["a", { a: 1 }],
      ["a", { a: 3 }],
    ]);
    expect([first.acknowledged, second.acknowledged]).toEqual([1, 0]);
    await writer.stop();
  });

  it.each(["", "[]", "null", "{", "\0", `{"a":${"[".repeat(40)}${"]".repeat(40)}}`, `{"a":"${"x".repeat(262_144)}"}`])(
    "are acknowledged and left out where they can't be kept",
    async (json) => {
      const store = recorder();
      const writer = createFactsWriter({ store, log, clock: systemClock, pauseMs: 0 });
      const agent = source("a");
      writer.add(agent, json);
      await settle();
      expect([store.written, agent.acknowledged]).toEqual([[], 1]);
      await writer.stop();
    },
  );
});
