import { expect, test } from "vitest";
import { collectFacts, newsOf } from "./facts.ts";

const agent = { agentId: "a1", version: "1.0.0" };

test("time, memory in use and a little space on a disk are no news; the rest is", async () => {
  const facts = {
    ...(await collectFacts(agent)),
    disks: [{ device: "/dev/a", mount: "/", filesystem: "ext4", totalBytes: 1_000, freeBytes: 500 }],
  };
  const same = newsOf(facts);
  const [disk] = facts.disks;
  const disks = (freeBytes: number) => (disk ? [{ ...disk, freeBytes }] : []);
  expect(newsOf({ ...facts, uptimeSeconds: facts.uptimeSeconds + 60 })).toBe(same);
  expect(newsOf({ ...facts, memory: { ...facts.memory, freeBytes: 1 } })).toBe(same);
  expect(newsOf({ ...facts, agent: { ...facts.agent, pid: 1 } })).toBe(same);
  expect(newsOf({ ...facts, disks: disks(510) })).toBe(same);
  for (const changed of [
    { ...facts, disks: disks(100) },
    { ...facts, disks: [] },
    { ...facts, kernel: "7.0" },
    { ...facts, hostname: "other" },
    { ...facts, memory: { ...facts.memory, totalBytes: 1 } },
    { ...facts, agent: { ...facts.agent, version: "1.0.1" } },
    { ...facts, networkInterfaces: [] },
  ]) {
    expect(newsOf(changed)).not.toBe(same);
  }
});
