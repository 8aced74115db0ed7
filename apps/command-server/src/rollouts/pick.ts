import { FleetwireError } from "@fleetwire/service";
import type { TypedRequest } from "../commands/parameters.ts";
import { errors } from "../errors.ts";
import type { AgentSelection, CommandStore, LoadedCandidate } from "../store/command-store.ts";
import { createJudge } from "./select.ts";

/** Of which the least loaded is taken. */
const candidates = 50;

export interface Picker {
  /**
   * The least loaded agent of a selection that can do this work now; `use` gives it the work. Throws `invalid_parameters`,
   * `no_agent_available`, `store_unavailable`, and what `use` throws.
   */
  pick<R>(selection: AgentSelection, typed: TypedRequest, use: (agentId: string) => Promise<R>): Promise<R>;
}

/** Picks of one server know of each other: those at the same time don't all go to the agent that was the least loaded before them. */
export function createPicker(store: CommandStore): Picker {
  const coming = new Map<string, number>();
  const waitingFor = ({ agentId, queued }: LoadedCandidate) => queued + (coming.get(agentId) ?? 0);

  return {
    async pick(selection, typed, use) {
      const judge = createJudge(typed);
      const least = await store.leastLoadedAgents({ ...selection, offering: judge.offering, limit: candidates });
      const able: LoadedCandidate[] = [];
      for (const candidate of least) if (await judge.isAble(candidate)) able.push(candidate);
      const [first] = able.toSorted((a, b) => a.load - b.load || waitingFor(a) - waitingFor(b));
      if (first === undefined) throw new FleetwireError(errors.no_agent_available);
      const { agentId } = first;
      coming.set(agentId, (coming.get(agentId) ?? 0) + 1);
      try {
        return await use(agentId);
      } finally {
        const left = (coming.get(agentId) ?? 1) - 1;
        if (left > 0) coming.set(agentId, left);
        else coming.delete(agentId);
      }
    },
  };
}
