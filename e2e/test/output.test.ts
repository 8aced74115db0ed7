import { afterAll, beforeAll, expect, test } from "vitest";
import { startFleet, type Fleet } from "../src/fleet.ts";

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet();
});

afterAll(() => fleet.close());

test("100 MB of output are bounded: the first and the last part are kept, and the server's memory stays flat", async () => {
  const agent = await fleet.agent("loud");
  const warmUp = await fleet.operator.queue({ agentId: agent.id, command: "head -c 20000000 /dev/zero" });
  await fleet.ended(warmUp);
  const before = fleet.server.memory();
  let peak = before;
  const sampler = setInterval(() => (peak = Math.max(peak, fleet.server.memory())), 100);
  const size = 100 * 1024 * 1024;
  const commandId = await fleet.operator.queue({
    agentId: agent.id,
    command: `printf 'first line\\n'; head -c ${size} /dev/zero | tr '\\0' 'x'; printf '\\nlast line\\n'`,
  });
  const end = await fleet.ended(commandId, 50_000);
  clearInterval(sampler);
  expect(end).toMatchObject({ status: "completed", result: { truncated: true, outputBytes: size + 22 } });
  const output = await fleet.operator.output(commandId);
  expect(output.startsWith("first line\nxxx")).toBe(true);
  expect(output.endsWith("xxx\nlast line\n")).toBe(true);
  expect(output.length).toBeLessThan(1_200_000);
  expect(peak - before).toBeLessThan(40 * 1024 * 1024);
});

test("a grandchild that holds stdout doesn't hold the result back", async () => {
  const agent = await fleet.agent("parent");
  const commandId = await fleet.operator.queue({ agentId: agent.id, command: "echo before; (sleep 300) & echo after" });
  const end = await fleet.ended(commandId, 10_000);
  expect(end).toMatchObject({ status: "completed", result: { exitCode: 0, output: "before\nafter\n" } });
});

test("what a command wrote before it was cancelled is kept", async () => {
  const agent = await fleet.agent("cancelled");
  const commandId = await fleet.operator.queue({ agentId: agent.id, command: "echo begun; exec sleep 300" });
  await expect.poll(() => fleet.operator.output(commandId), { timeout: 10_000 }).toBe("begun\n");
  await fleet.operator.cancel(commandId);
  expect(await fleet.ended(commandId)).toMatchObject({ status: "cancelled", result: { output: "begun\n" } });
});
