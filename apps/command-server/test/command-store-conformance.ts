import { describe } from "vitest";
import { describeAgents } from "./command-store/agents.ts";
import { describeCandidates } from "./command-store/candidates.ts";
import { describeDispatch } from "./command-store/dispatch.ts";
import { describeDrain } from "./command-store/drain.ts";
import { describeFeed } from "./command-store/feed.ts";
import type { BreakableStore, OpenStore } from "./command-store/fixture.ts";
import { describeModel } from "./command-store/model.ts";
import { describeOffers, describeOffersInOutages } from "./command-store/offers.ts";
import { describeOutput } from "./command-store/output.ts";
import { describeListing, describeQueueing } from "./command-store/queueing.ts";
import { describeRaces } from "./command-store/races.ts";
import { describeReconciliation } from "./command-store/reconciliation.ts";
import { describeReports } from "./command-store/reports.ts";
import { describeRolloutEndings } from "./command-store/rollout-endings.ts";
import { describeRolloutModel } from "./command-store/rollout-model.ts";
import { describeRolloutRecords } from "./command-store/rollout-records.ts";
import { describeRollouts } from "./command-store/rollouts.ts";
import { describeOutages, describeServers } from "./command-store/servers.ts";
import { describeSessionHistory } from "./command-store/session-history.ts";
import { describeSessions } from "./command-store/sessions.ts";

/**
 * What every adapter of `CommandStore` has to keep, written against the port alone. `open` and `openBreakable` are called
 * several times; each store is empty and shares nothing with the others, and a breakable one not even the server.
 */
export function describeCommandStore(name: string, open: OpenStore, openBreakable: OpenStore<BreakableStore>): void {
  describe(`the command store on ${name}`, () => {
    describeQueueing(open);
    describeListing(open);
    describeDispatch(open);
    describeOffers(open);
    describeReports(open);
    describeOutput(open);
    describeSessions(open);
    describeReconciliation(open);
    describeSessionHistory(open);
    describeAgents(open);
    describeDrain(open);
    describeFeed(open);
    describeServers(open);
    describeModel(open);
    describeRaces(open);
    describeOutages(openBreakable);
    describeOffersInOutages(openBreakable);
  });
}

/** The part of it about rollouts. */
export function describeRolloutsOnStore(name: string, open: OpenStore): void {
  describe(`rollouts on ${name}`, () => {
    describeCandidates(open);
    describeRollouts(open);
    describeRolloutEndings(open);
    describeRolloutRecords(open);
    describeRolloutModel(open);
  });
}
