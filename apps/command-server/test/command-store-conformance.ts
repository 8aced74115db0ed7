import { describe } from "vitest";
import { describeDispatch } from "./command-store/dispatch.ts";
import type { OpenStore } from "./command-store/fixture.ts";
import { describeListing, describeQueueing } from "./command-store/queueing.ts";
import { describeReports } from "./command-store/reports.ts";
import { describeSessions } from "./command-store/sessions.ts";

/**
 * What every adapter of `CommandStore` has to keep, written against the port alone. `open` is called several times; each
 * store is empty and shares nothing with the others.
 */
export function describeCommandStore(name: string, open: OpenStore): void {
  describe(`the command store on ${name}`, () => {
    describeQueueing(open);
    describeListing(open);
    describeDispatch(open);
    describeReports(open);
    describeSessions(open);
  });
}
