import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { v7 as uuidv7 } from "uuid";
import { eventually } from "@fleetwire/testbed";
import type { NewJoinToken } from "../../src/store/command-store.ts";
import { enrolAgent, fresh, profile, useStore, type OpenStore } from "./fixture.ts";

function request(tokenHash: string, agentId = fresh("agent")) {
  return { agentId, tokenHash, publicKey: randomBytes(32), hostname: "host" };
}

export function describeAgents(open: OpenStore): void {
  describe("enrolling", () => {
    const under = useStore(open);

    async function token(over: Partial<NewJoinToken> = {}): Promise<NewJoinToken> {
      const one: NewJoinToken = {
        tokenId: uuidv7(),
        companyId: fresh("company"),
        tokenHash: randomBytes(32).toString("hex"),
        fleet: "green",
        agentId: null,
        uses: 1,
        ttlMs: 60_000,
        createdBy: "operator:test",
        ...over,
      };
      await under.store.createJoinToken(one);
      return one;
    }

    it("binds an id to a key, in the token's company and fleet", async () => {
      const { tokenHash, companyId } = await token();
      const asked = request(tokenHash);
      expect(await under.store.enrol(asked)).toEqual({ kind: "enrolled", companyId, fleet: "green" });
      expect(await under.store.agentKey(asked.agentId)).toEqual({
        publicKey: asked.publicKey,
        companyId,
        revoked: false,
      });
      expect(await under.store.agentKey(fresh("agent"))).toBeNull();
      expect(await under.store.getAgent(companyId, asked.agentId)).toMatchObject({
        fleet: "green",
        hostname: "host",
        status: "offline",
        epoch: 0,
        connectedAt: null,
        lastSeenAt: null,
        load: null,
        facts: null,
      });
    });

    it("spends a token as often as it is good for, also when agents race for it", async () => {
      const { tokenHash, companyId, tokenId } = await token({ uses: 3 });
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => under.store.enrol(request(tokenHash))));
      expect(outcomes.filter(({ kind }) => kind === "enrolled")).toHaveLength(3);
      expect(outcomes.filter(({ kind }) => kind === "token_invalid")).toHaveLength(5);
      expect(await under.store.listJoinTokens(companyId)).toMatchObject([{ tokenId, usesLeft: 0 }]);
    });

    it("spends a fleet's token no more often than that, when hundreds race for it on two servers", async () => {
      const second = await under.openSecond(uuidv7());
      const { tokenHash, companyId, tokenId } = await token({ uses: 250 });
      const other = await token({ uses: 30 });
      const asked = Array.from({ length: 300 }, (_, n) => request(n % 10 === 0 ? other.tokenHash : tokenHash));
      const outcomes = await Promise.all(asked.map((one, n) => (n % 2 ? second : under.store).enrol(one)));
      const enrolled = outcomes.filter((outcome) => outcome.kind === "enrolled");
      expect(enrolled.filter((outcome) => outcome.companyId === companyId)).toHaveLength(250);
      expect(enrolled.filter((outcome) => outcome.companyId === other.companyId)).toHaveLength(30);
      expect(await under.store.listJoinTokens(companyId)).toMatchObject([{ tokenId, usesLeft: 0 }]);
      for (const [n, outcome] of outcomes.entries()) {
        const key = await under.store.agentKey(asked[n]?.agentId ?? "");
        expect(key?.publicKey).toEqual(outcome.kind === "enrolled" ? asked[n]?.publicKey : undefined);
      }
      await second.close();
    });

    it("gives an id to one of those who race for it", async () => {
      const agentId = fresh("agent");
      const tokens = await Promise.all([1, 2, 3, 4].map(() => token()));
      const outcomes = await Promise.all(tokens.map(({ tokenHash }) => under.store.enrol(request(tokenHash, agentId))));
      expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(["enrolled", "id_taken", "id_taken", "id_taken"]);
    });

    it("takes the same key again at no cost, also with a token that is used up by now", async () => {
      const { tokenHash, companyId } = await token({ uses: 1 });
      const asked = request(tokenHash);
      await under.store.enrol(asked);
      expect(await under.store.enrol(asked)).toEqual({ kind: "enrolled", companyId, fleet: "green" });
      expect(await under.store.listJoinTokens(companyId)).toMatchObject([{ usesLeft: 0 }]);
      expect(await under.store.enrol({ ...asked, tokenHash: (await token()).tokenHash })).toEqual({ kind: "id_taken" });
    });

    it("refuses another key for an id that is bound, and spends nothing", async () => {
      const { tokenHash, companyId } = await token({ uses: 2 });
      const asked = request(tokenHash);
      await under.store.enrol(asked);
      expect(await under.store.enrol(request(tokenHash, asked.agentId))).toEqual({ kind: "id_taken" });
      expect(await under.store.listJoinTokens(companyId)).toMatchObject([{ usesLeft: 1 }]);
    });

    it("refuses tokens that are unknown, expired, revoked, or another agent's", async () => {
      const invalid = { kind: "token_invalid" };
      expect(await under.store.enrol(request("unknown"))).toEqual(invalid);
      const short = await token({ ttlMs: 20 });
      const { expiresAt } = (await under.store.listJoinTokens(short.companyId))[0] ?? { expiresAt: new Date() };
      await eventually(() => Date.now() > expiresAt.getTime() + 5, { deadlineMs: 2_000 });
      expect(await under.store.enrol(request(short.tokenHash))).toEqual(invalid);
      const { tokenHash, companyId, tokenId } = await token();
      expect(await under.store.revokeJoinToken(fresh("company"), tokenId)).toBe(false);
      expect(await under.store.revokeJoinToken(companyId, tokenId)).toBe(true);
      expect(await under.store.enrol(request(tokenHash))).toEqual(invalid);
      const bound = await token({ agentId: fresh("agent"), uses: 5 });
      expect(await under.store.enrol(request(bound.tokenHash))).toEqual(invalid);
      expect(await under.store.enrol(request(bound.tokenHash, bound.agentId ?? ""))).toMatchObject({
        kind: "enrolled",
      });
    });

    it("lists a company's tokens and never another's", async () => {
      const companyId = fresh("company");
      const [first, second] = [await token({ companyId, agentId: "a" }), await token({ companyId, uses: 9 })];
      await token();
      const listed = await under.store.listJoinTokens(companyId);
      expect(listed).toMatchObject([
        { tokenId: second.tokenId, usesLeft: 9, agentId: null, revokedAt: null },
        { tokenId: first.tokenId, usesLeft: 1, agentId: "a", fleet: "green" },
      ]);
      const { createdAt, expiresAt } = listed[0] ?? {};
      expect((expiresAt?.getTime() ?? 0) - (createdAt?.getTime() ?? 0)).toBe(60_000);
    });

    it("ends a revoked agent's session, signals its holder, and lets its own company bind the id anew", async () => {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const dropped: unknown[] = [];
      const off = under.store.onSignal({
        wake: () => {},
        cancel: () => {},
        stop: () => {},
        drop: (...what) => void dropped.push(what),
      });
      expect(await under.store.revokeAgent(agent.companyId, fresh("agent"))).toBe(false);
      expect(await under.store.revokeAgent(agent.companyId, agent.agentId)).toBe(true);
      expect(await under.store.revokeAgent(agent.companyId, agent.agentId)).toBe(true);
      off();
      expect(dropped).toEqual([[agent.agentId, agent.epoch, "revoked"]]);
      expect(await under.store.getAgent(agent.companyId, agent.agentId)).toMatchObject({
        status: "revoked",
        disconnectReason: "revoked",
      });
      expect(await under.store.agentKey(agent.agentId)).toMatchObject({ revoked: true });
      expect(
        (await under.store.assign([{ agentId: agent.agentId, epoch: agent.epoch, work: 1, control: 1 }])).stale,
      ).toEqual([{ agentId: agent.agentId, why: "session_lost" }]);

      const foreign = await token();
      expect(await under.store.enrol(request(foreign.tokenHash, agent.agentId))).toEqual({ kind: "id_taken" });
      const own = await token({ companyId: agent.companyId });
      expect(await under.store.enrol(request(own.tokenHash, agent.agentId))).toMatchObject({ kind: "enrolled" });
      expect(await agent.connect({ seenEpoch: 0 })).toMatchObject({ epoch: 2 });
    });
  });

  describe("agents", () => {
    const under = useStore(open);

    it("are listed by id, filtered by fleet, status and labels, page by page", async () => {
      const companyId = fresh("company");
      const agents = await Promise.all(Array.from({ length: 5 }, () => enrolAgent(under.store, { companyId })));
      const [red, blue, revoked] = agents;
      await red?.connect({ profile: { ...profile, fleet: "red", labels: { os: "linux", zone: "a" } } });
      await blue?.connect({ profile: { ...profile, labels: { os: "linux" } } });
      await under.store.revokeAgent(companyId, revoked?.agentId ?? "");
      type Filter = Partial<Parameters<typeof under.store.listAgents>[0]>;
      const list = async (filter: Filter = {}) =>
        (await under.store.listAgents({ companyId, limit: 10, cursor: null, ...filter })).items.map(
          ({ agentId }) => agentId,
        );
      const sorted = agents.map(({ agentId }) => agentId).toSorted();
      expect(await list()).toEqual(sorted);
      expect(await list({ fleet: "red" })).toEqual([red?.agentId]);
      expect(await list({ status: "online" })).toEqual([red?.agentId ?? "", blue?.agentId ?? ""].toSorted());
      expect(await list({ status: "revoked" })).toEqual([revoked?.agentId]);
      expect(await list({ status: "offline" })).toHaveLength(2);
      expect(await list({ labels: { os: "linux" } })).toHaveLength(2);
      expect(await list({ labels: { os: "linux", zone: "a" } })).toEqual([red?.agentId]);
      expect(await list({ labels: { os: "darwin" } })).toEqual([]);
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page = await under.store.listAgents({ companyId, limit: 2, cursor });
        seen.push(...page.items.map(({ agentId }) => agentId));
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(seen).toEqual(sorted);
    });

    it("keep the facts that were found last, with when they came", async () => {
      const agent = await enrolAgent(under.store);
      const seen = async () => {
        const { facts, factsAt } = (await under.store.getAgent(agent.companyId, agent.agentId)) ?? {};
        return { facts, factsAt };
      };
      expect(await seen()).toEqual({ facts: null, factsAt: null });
      await under.store.putFacts(agent.agentId, { old: true });
      const before = await seen();
      expect(before).toEqual({ facts: { old: true }, factsAt: expect.any(Date) });
      await eventually(() => Date.now() > Number(before.factsAt) + 5, { deadlineMs: 2_000 });
      await under.store.putFacts(agent.agentId, { cpus: 4, name: "a\0b" });
      const after = await seen();
      expect(after.facts).toEqual({ cpus: 4, name: "a\ufffdb" });
      expect(Number(after.factsAt)).toBeGreaterThan(Number(before.factsAt));
    });

    it("are counted by fleet while they are online", async () => {
      const fleet = fresh("fleet");
      for (let n = 0; n < 3; n++) await (await enrolAgent(under.store)).connect({ profile: { ...profile, fleet } });
      const counting = await under.openSecond(uuidv7());
      expect((await counting.onlineByFleet()).get(fleet)).toBe(3);
    });
  });
}
