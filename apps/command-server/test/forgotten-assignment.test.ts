import { createHash, randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually, startProcess, tempDir, type TestProcess } from "@fleetwire/testbed";
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from "vitest";
import { companyId, startSessionServer, type SessionServer } from "./session-server.ts";
import { startStoreBed, type StoreBed } from "./session-store.ts";

const agentProgram = fileURLToPath(new URL("../../../bin/fleetwire-agent", import.meta.url));
const patience = { deadlineMs: 40_000 };

/** A store that has lost its last moments, as after a failover to a replica that lagged; the agent is the real one. */
describe("a store that has forgotten what it gave out", () => {
  let bed: StoreBed;
  let server: SessionServer;
  let agent: TestProcess;
  let agentId: string;

  beforeAll(async () => {
    bed = await startStoreBed();
    const settings = { heartbeatIntervalMs: 200, heartbeatFlushMs: 50, pollingIntervalMs: 200 };
    server = await startSessionServer({ ...(await bed.open()), settings });
  });
  afterAll(async () => {
    await server.close();
    await bed.close();
  });
  beforeEach(async () => {
    agentId = `agent-${randomUUID()}`;
    agent = startProcess({
      name: agentId,
      command: agentProgram,
      args: [
        "--no-launcher",
        "--server",
        server.address,
        "--id",
        agentId,
        "--data-dir",
        join(tempDir("agent"), "data"),
      ],
      env: { FLEETWIRE_JOIN_TOKEN: await joinToken() },
    });
    await agent.waitForLine(/agent connected/, patience.deadlineMs);
  });
  afterEach(() => agent.stop());

  async function joinToken(): Promise<string> {
    const token = randomUUID();
    const tokenHash = createHash("sha256").update(token).digest("hex");
    const one = { tokenId: randomUUID(), companyId, tokenHash, fleet: "", agentId: null, uses: 1, ttlMs: 60_000 };
    await server.store.createJoinToken({ ...one, createdBy: "operator:test" });
    return token;
  }

  /** A command that runs until it may end, and whose runs can be counted. */
  async function gated(over: { priority?: number } = {}) {
    const folder = tempDir("gated");
    const file = join(folder, "runs");
    const command = `echo run >> ${file}; while [ ! -e ${folder}/go ]; do sleep 0.05; done; echo whole`;
    const commandId = await server.queue(agentId, { command, ...over });
    const runs = () => (existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0);
    return { commandId, runs, open: () => writeFileSync(join(folder, "go"), "") };
  }

  const stored = (commandId: string) => server.store.get(companyId, commandId);

  async function started(commandId: string): Promise<void> {
    await eventually(async () => (await stored(commandId))?.startedAt, patience);
  }

  /** Everything since the command was queued is as if it had never been. */
  async function forget(commandId: string): Promise<void> {
    for (const text of [
      `UPDATE commands SET status = 'queued', epoch = NULL, ledger_id = NULL, assign_no = NULL, assigned_at = NULL,
        started_at = NULL, due_at = expires_at, output_end = 0, output_bytes = 0, revision = 1 WHERE id = $1`,
      "UPDATE agent_sessions SET assign_no = 0 WHERE agent_id = (SELECT agent_id FROM commands WHERE id = $1)",
      "UPDATE agent_ledgers SET highest = 0 WHERE agent_id = (SELECT agent_id FROM commands WHERE id = $1)",
      "DELETE FROM command_output WHERE command_id = $1",
    ])
      await bed.database.query({ text, values: [commandId] });
  }

  it("gives it out again under the number that it had: the run goes on", async () => {
    const { commandId, runs, open } = await gated();
    await started(commandId);
    await forget(commandId);
    await started(commandId);
    open();
    await eventually(async () => (await stored(commandId))?.status === "completed", patience);
    expect(runs()).toBe(1);
  });

  it("gives its number to another command: the agent connects again, and each runs once", async () => {
    const first = await gated();
    await started(first.commandId);
    const second = await gated({ priority: 10 });
    second.open();
    const completed = (commandId: string) =>
      eventually(async () => (await stored(commandId))?.status === "completed", patience);
    await completed(second.commandId);
    // The one of the higher priority gets the number that the other has.
    await forget(second.commandId);
    await forget(first.commandId);
    first.open();
    await completed(first.commandId);
    await completed(second.commandId);
    expect([first.runs(), second.runs()]).toEqual([1, 1]);
    await agent.waitForLine(/a number that it had given before/, patience.deadlineMs);
  });

  it("hears of the run from the agent's next hello: it isn't told to end, and goes on under a later number", async () => {
    const { commandId, runs, open } = await gated();
    await started(commandId);
    await bed.database.query({
      text: "UPDATE agent_sessions SET connected = false WHERE agent_id = $1",
      values: [agentId],
    });
    await forget(commandId);
    await started(commandId);
    open();
    await eventually(async () => (await stored(commandId))?.status === "completed", patience);
    expect(runs()).toBe(1);
    const output = await server.store.readOutput(companyId, commandId, 0, 1_000);
    expect(Buffer.concat(output?.pieces.map(({ data }) => data) ?? []).toString()).toBe("whole\n");
    expect(await server.store.agentSessions(companyId, agentId, 5)).toMatchObject([{ epoch: 2, reason: null }]);
  });
});
