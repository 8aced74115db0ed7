import { afterAll, beforeAll, expect, test } from "vitest";
import { followCommand, type FollowEvent } from "../src/commands/follow.ts";
import type { CommandStore } from "../src/store/command-store.ts";
import { startApiServer, type ApiServer } from "./api-server.ts";
import { driveAgent } from "./driven-agent.ts";

let api: ApiServer;
beforeAll(async () => {
  api = await startApiServer();
});
afterAll(() => api.close());

/** The server's own store, which notes what is read from it. */
function countingReads(store: CommandStore): { store: CommandStore; reads: string[] } {
  const reads: string[] = [];
  const counting: CommandStore = {
    ...store,
    get: (companyId, commandId) => {
      reads.push("command");
      return store.get(companyId, commandId);
    },
    readOutput: (companyId, commandId, from, maxBytes) => {
      reads.push("output");
      return store.readOutput(companyId, commandId, from, maxBytes);
    },
  };
  return { store: counting, reads };
}

async function followed(output: { from: number; attempt: null } | null) {
  const agent = await driveAgent(api.running.store, "acme");
  await api.call("POST", "/commands", { body: { agentId: agent.agentId, command: "work" } });
  const run = await agent.take();
  const { store, reads } = countingReads(api.running.store);
  const { commandId } = run;
  const { signal } = new AbortController();
  const events = followCommand(store, { companyId: "acme", commandId, output, signal });
  const next = async (): Promise<FollowEvent["kind"] | null> => {
    const { value } = await events.next();
    return value === undefined ? null : value.kind;
  };
  return { agent, run, reads, next };
}

test("a follower reads the command once, and its output once for each growth: changes come with their content", async () => {
  const { agent, run, reads, next } = await followed({ from: 0, attempt: null });
  expect(await next()).toBe("state");
  const first = next();
  await agent.print(run, 0, "one");
  expect(await first).toBe("output");
  const second = next();
  await agent.print(run, 3, "two");
  expect(await second).toBe("output");
  const end = next();
  await agent.finish(run, { outputBytes: 6 });
  expect([await end, await next(), await next()]).toEqual(["state", "end", null]);
  const outputReads = reads.filter((read) => read === "output").length;
  expect(reads.filter((read) => read === "command")).toHaveLength(1);
  // One more where the first growth came during the first look.
  expect(outputReads).toBeGreaterThanOrEqual(2);
  expect(outputReads).toBeLessThanOrEqual(3);
});

test("a watcher who wants no output costs nothing while it grows", async () => {
  const { agent, run, reads, next } = await followed(null);
  expect(await next()).toBe("state");
  const end = next();
  for (let offset = 0; offset < 40; offset += 4) await agent.print(run, offset, "more");
  await agent.finish(run, { outputBytes: 40 });
  expect([await end, await next(), await next()]).toEqual(["state", "end", null]);
  expect(reads).toEqual(["command"]);
});
