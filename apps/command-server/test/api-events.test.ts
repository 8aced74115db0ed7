import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiServer, type ApiServer } from "./api-server.ts";
import { driveAgent, enrolAgent } from "./driven-agent.ts";
import { EventReader } from "./event-reader.ts";

let api: ApiServer;

beforeAll(async () => {
  api = await startApiServer();
});
afterAll(() => api.close());

interface Entry {
  kind: string;
  commandId?: string;
  revision?: number;
  cursor: string;
}

/** All entries of acme's feed after the cursor. */
async function readAll(cursor: string | null, limit = 500): Promise<{ entries: Entry[]; cursor: string }> {
  const entries: Entry[] = [];
  let next = cursor;
  for (;;) {
    const query = next === null ? "" : `&cursor=${encodeURIComponent(next)}`;
    const { json, status } = await api.call("GET", `/events?limit=${limit}${query}`);
    expect(status).toBe(200);
    const items = json["items"] as Entry[];
    const moved = json["nextCursor"] !== next;
    next = String(json["nextCursor"]);
    entries.push(...items);
    if (items.length === 0 && !moved) return { entries, cursor: next };
  }
}

async function queue(as: "acme" | "other", agentId: string): Promise<string> {
  const { json } = await api.call("POST", "/commands", { as, body: { agentId, command: "uptime" } });
  return String(json["commandId"]);
}

describe("GET /events", () => {
  test("tells a command's whole life in order, page by page", async () => {
    const { cursor } = await readAll(null);
    const agent = await driveAgent(api.running.store, "acme");
    const commandId = await queue("acme", agent.agentId);
    const run = await agent.take();
    await agent.start(run);
    await agent.finish(run);
    const { entries } = await readAll(cursor, 1);
    expect(entries.map(({ kind }) => kind)).toEqual([
      "agent.connected",
      "command.queued",
      "command.assigned",
      "command.completed",
    ]);
    const revisions = entries.filter((entry) => entry.commandId === commandId).map(({ revision }) => revision ?? 0);
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
  });

  test("tells nothing of another company", async () => {
    const { cursor } = await readAll(null);
    await queue("other", await enrolAgent(api.running.store, "other"));
    const ours = await queue("acme", await enrolAgent(api.running.store, "acme"));
    const { entries } = await readAll(cursor);
    expect(entries.map(({ commandId }) => commandId)).toEqual([ours]);
  });

  test.each(["/events?cursor=nope", "/events?cursor=nope&follow=true"])(
    "refuses a cursor that isn't ours: %s",
    async (path) => {
      const answer = await api.call("GET", path);
      expect([answer.status, answer.json["code"]]).toEqual([400, "invalid_cursor"]);
    },
  );
});

describe("following the feed", () => {
  test("tells what comes from now on, and goes on after the last id", async () => {
    const agentId = await enrolAgent(api.running.store, "acme");
    await queue("acme", agentId);
    const first = new EventReader(await api.open("/events?follow=true"));
    const one = await queue("acme", agentId);
    const told = await first.next();
    expect(told).toMatchObject({ event: "command.queued", data: { commandId: one, kind: "command.queued" } });
    await first.cancel();

    await queue("other", await enrolAgent(api.running.store, "other"));
    const two = await queue("acme", agentId);
    const second = new EventReader(
      await api.open("/events?follow=true", { headers: { "last-event-id": String(told?.id) } }),
    );
    expect(await second.next()).toMatchObject({ data: { commandId: two } });
    await api.call("POST", `/commands/${two}/cancel`);
    expect(await second.next()).toMatchObject({ event: "command.cancelled", data: { commandId: two } });
    await second.cancel();
  });
});
