import { setTimeout as pause } from "node:timers/promises";
import type { AgentView } from "../api/agent.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failure.ts";
import type { Session } from "../session.ts";
import { spokenDuration } from "../terminal/time.ts";

const pollMs = 1_000;
// As long as a follower tries a server that is away.
const patienceMs = 300_000;

/**
 * Resolves to the agent as it is once nothing runs on it: no command is assigned to it, and where it is online it says
 * itself that it runs none. Throws a CliFailure (75) when `timeoutMs` is over before that.
 */
export async function waitUntilIdle(session: Session, agent: AgentView, timeoutMs?: number): Promise<AgentView> {
  const startedMs = performance.now();
  let reachedMs = startedMs;
  let said = "";
  let now = agent;
  for (;;) {
    try {
      const busy = await whatRuns(session, now);
      if (busy === null) return now;
      if (busy !== said) await session.terminal.note(busy);
      said = busy;
      reachedMs = performance.now();
    } catch (error) {
      if (!isPassing(error) || performance.now() - reachedMs > patienceMs) throw error;
      if (said !== error.message) await session.terminal.note(`fleetwire: ${error.message}; trying again`);
      said = error.message;
    }
    if (timeoutMs !== undefined && performance.now() - startedMs > timeoutMs) {
      throw new CliFailure(
        exitCodes.tryAgain,
        `${agent.agentId} is drained, but not idle after ${spokenDuration(timeoutMs)}`,
      );
    }
    await pause(pollMs);
    now = await session.client.agent(agent.agentId).catch((error: unknown) => {
      if (isPassing(error)) return now;
      throw error;
    });
  }
}

/** Null: nothing. */
async function whatRuns({ client }: Session, agent: AgentView): Promise<string | null> {
  const { items } = await client.commands({ agentId: agent.agentId, status: "assigned", limit: 500 });
  // What the agent still ends after the server gave it up is no command's any more.
  const running = Math.max(items.length, agent.status === "online" ? (agent.running ?? 0) : 0);
  if (running === 0) return null;
  const commands = running === 1 ? "1 command runs" : `${running} commands run`;
  return agent.status === "online"
    ? `waiting: ${commands} on ${agent.agentId}`
    : `waiting: ${agent.agentId} is ${agent.status}; what became of its commands (${running}) is known when it is back, or their time is over`;
}

function isPassing(error: unknown): error is CliFailure {
  return (
    error instanceof CliFailure && (error.exitCode === exitCodes.unreachable || error.exitCode === exitCodes.tryAgain)
  );
}
