import { newKey, type Page, readList, readPage, repeatIfCut, segment } from "./calls.ts";
import type { Http, Query } from "./http.ts";
import type { RolloutRequest } from "./request.ts";
import { readRollout, readStarted, type RolloutView, type Started } from "./rollout.ts";
import { readGroup, type RolloutGroup } from "./rollout-group.ts";
import { readResult, type RolloutResult } from "./rollout-result.ts";

/** The routes of rollouts. Every method throws a CliFailure. */
export interface RolloutClient {
  /** Safe to repeat: an own idempotency key is sent where the request has none, and a cut connection is tried again. */
  start(request: RolloutRequest): Promise<Started>;
  get(rolloutId: string): Promise<RolloutView>;
  list(query: Query): Promise<Page<RolloutView>>;
  stop(rolloutId: string, options: { cancelRunning: boolean }): Promise<RolloutView>;
  /** A new rollout for those on which it didn't complete. Safe to repeat, as `start` is. */
  retry(rolloutId: string): Promise<Started>;
  results(rolloutId: string, query: Query): Promise<Page<RolloutResult>>;
  /** The largest first. */
  groups(rolloutId: string): Promise<RolloutGroup[]>;
}

export function createRolloutClient(http: Http): RolloutClient {
  return {
    async start(request) {
      const body = request.dryRun ? request : { ...request, idempotencyKey: request.idempotencyKey ?? newKey() };
      return readStarted(await repeatIfCut(() => http.call("POST", "/commands", { body })));
    },
    get: async (rolloutId) => readRollout(await http.call("GET", rolloutPath(rolloutId))),
    list: async (query) => readPage(await http.call("GET", "/rollouts", { query }), readRollout),
    stop: async (rolloutId, body) => readRollout(await http.call("POST", `${rolloutPath(rolloutId)}/stop`, { body })),
    async retry(rolloutId) {
      const body = { idempotencyKey: newKey() };
      return readStarted(await repeatIfCut(() => http.call("POST", `${rolloutPath(rolloutId)}/retry`, { body })));
    },
    results: async (rolloutId, query) =>
      readPage(await http.call("GET", `${rolloutPath(rolloutId)}/results`, { query }), readResult),
    groups: async (rolloutId) => readList(await http.call("GET", `${rolloutPath(rolloutId)}/groups`), readGroup),
  };
}

export function rolloutPath(rolloutId: string): string {
  return `/rollouts/${segment(rolloutId)}`;
}
