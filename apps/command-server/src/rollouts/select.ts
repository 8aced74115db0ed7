import { setImmediate as nextTurn } from "node:timers/promises";
import { FleetwireError, type Violation } from "@fleetwire/service";
import type { JsonObject } from "../commands/command.ts";
import { refuse } from "../commands/check-request.ts";
import type { CommandRequest } from "../commands/command-request.ts";
import { checkAnnounced, checkBuiltIn, isBuiltIn, type TypedRequest } from "../commands/parameters.ts";
import { errors } from "../errors.ts";
import type { AgentSelection, Candidate, CommandStore } from "../store/command-store.ts";
import { maxTargets } from "./target-request.ts";

const pageSize = 5_000;
/** Schemas of one type that are interpreted for one request, each up to 0.2 s of work; by the others the agents check themselves. */
const maxSchemas = 20;

/** Whom a request is for, in the store's words. */
export function selectionOf(companyId: string, { fleetId, selector = {} }: CommandRequest): AgentSelection {
  const { fleet = fleetId, labels, capabilities, online } = selector;
  return {
    companyId,
    ...(fleet === undefined ? {} : { fleet }),
    ...(labels === undefined ? {} : { labels }),
    ...(capabilities === undefined ? {} : { capabilities: [...new Set(capabilities)] }),
    ...(online === true ? { online } : {}),
  };
}

export interface SelectedTargets {
  /** Those that take work at once come first, so that none that is away holds up the others. */
  agents: string[];
  /** Selected, but without this type, or with parameters of another shape. */
  unable: number;
}

/**
 * The agents that a rollout of this work would have; with `among`, only these. Throws `invalid_parameters` (also where
 * every agent that offers the type refuses them), `no_targets`, `too_many_targets`, `store_unavailable`.
 */
export async function selectTargets(
  store: CommandStore,
  selection: AgentSelection,
  typed: TypedRequest,
  among?: ReadonlySet<string>,
): Promise<SelectedTargets> {
  const judge = createJudge(typed);
  const groups: [ready: string[], draining: string[], away: string[]] = [[], [], []];
  let seen = 0;
  let found = 0;
  for (let cursor: string | null = null; ;) {
    const query = { ...selection, offering: judge.offering, limit: pageSize, cursor };
    const page = await store.selectAgents(query);
    for (const candidate of page.items) {
      if (among?.has(candidate.agentId) === false) continue;
      seen += 1;
      if (!(await judge.isAble(candidate))) continue;
      found += 1;
      groups[candidate.online ? (candidate.draining ? 1 : 0) : 2].push(candidate.agentId);
    }
    if (found > maxTargets) throw new FleetwireError(errors.too_many_targets, undefined, { details: { maxTargets } });
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  const unable = (among?.size ?? seen) - found;
  if (found > 0) return { agents: groups.flat(), unable };
  if (judge.problems.length > 0) refuse(errors.invalid_parameters, judge.problems);
  throw new FleetwireError(errors.no_targets, undefined, { details: { unable } });
}

export interface Judge {
  /** What to ask the store about each agent; null: nothing, every agent can. */
  readonly offering: string | null;
  /** What was wrong with the parameters by the first schema that refused them. */
  readonly problems: readonly Violation[];
  isAble(candidate: Candidate): Promise<boolean>;
}

/** Says which agents can do this work. Throws `invalid_parameters` where none could. */
export function createJudge(typed: TypedRequest): Judge {
  const builtIn = isBuiltIn(typed.type);
  const atOnce = builtIn ? checkBuiltIn(typed) : checkAnnounced(typed, null);
  if (atOnce.length > 0) refuse(errors.invalid_parameters, atOnce);
  const byObject = new Map<JsonObject, boolean>();
  const byText = new Map<string, boolean>();
  let problems: Violation[] = [];

  async function fits(schema: JsonObject): Promise<boolean> {
    const text = JSON.stringify(schema);
    const known = byText.get(text);
    if (known !== undefined) return known;
    if (byText.size >= maxSchemas) return true;
    if (byText.size > 0) await nextTurn();
    const found = checkAnnounced(typed, schema);
    if (problems.length === 0) problems = found;
    byText.set(text, found.length === 0);
    return found.length === 0;
  }

  return {
    offering: builtIn ? null : typed.type,
    get problems() {
      return problems;
    },
    async isAble({ offers, parametersSchema: schema }) {
      if (builtIn) return true;
      if (!offers || schema === null) return offers;
      const answer = byObject.get(schema) ?? (await fits(schema));
      byObject.set(schema, answer);
      return answer;
    },
  };
}
