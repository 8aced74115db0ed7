import { FleetwireError } from "@fleetwire/service";
import type { CommandStore } from "../command-store.ts";
import { storeErrors } from "../errors.ts";
import type { Rollouts } from "../port/rollouts.ts";

function refuse(): Promise<never> {
  return Promise.reject(new FleetwireError(storeErrors.not_on_this_store));
}

/** Rollouts are not kept on Valkey yet: none runs, and what asks for one is refused. */
export const noRollouts: Rollouts & Pick<CommandStore, "selectAgents" | "leastLoadedAgents"> = {
  selectAgents: refuse,
  leastLoadedAgents: refuse,
  createRollout: refuse,
  advanceRollout: () => Promise.resolve(null),
  activeRollouts: () => Promise.resolve([]),
  getRollout: () => Promise.resolve(null),
  listRollouts: () => Promise.resolve({ items: [], nextCursor: null }),
  stopRollout: () => Promise.resolve({ kind: "not_found" }),
  rolloutResults: () => Promise.resolve({ items: [], nextCursor: null }),
  rolloutTargets: () => Promise.resolve({ items: [], nextCursor: null }),
  keyHolder: () => Promise.resolve(null),
};
