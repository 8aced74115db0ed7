import type { Command } from "commander";
import type { AgentView } from "../api/agent.ts";
import { durationOption } from "../command/request-options.ts";
import { type Session, type Surroundings, withSession } from "../session.ts";
import { waitUntilIdle } from "./wait-idle.ts";

interface DrainOptions {
  wait?: boolean;
  timeout?: number;
}

/** `agents drain`: takes an agent out of service. */
export function addAgentsDrain(parent: Command, surroundings: Surroundings): void {
  parent
    .command("drain")
    .summary("take an agent out of service")
    .description(
      "What runs ends; what is queued waits, and the agent gets no more work until it is undrained, through restarts of\n" +
        "agent and servers. PING, FACTS, STOP and RESTART still reach it.",
    )
    .argument("<agentId>")
    .option("--wait", "until nothing runs on it")
    .option("--timeout <duration>", "with --wait: how long (default: for ever)", durationOption)
    .addHelpText("after", "\nExample:\n  fleetwire agents drain web-1 --wait --timeout 10m && ssh web-1 reboot")
    .action(async (agentId: string, { wait, timeout }: DrainOptions, command: Command) => {
      await withSession(command, surroundings, async (session) => {
        const agent = await session.client.drain(agentId, true);
        await print(session, wait ? await waitUntilIdle(session, agent, timeout) : agent, `${agentId} is drained`);
      });
    });
}

/** `agents undrain`: puts it back. */
export function addAgentsUndrain(parent: Command, surroundings: Surroundings): void {
  parent
    .command("undrain")
    .summary("put an agent back into service")
    .argument("<agentId>")
    .action(async (agentId: string, _options: object, command: Command) => {
      await withSession(command, surroundings, async (session) => {
        const agent = await session.client.drain(agentId, false);
        const still = agent.drainReasons.includes("agent") ? ", but it is stopping by itself" : "";
        await print(session, agent, `${agentId} is in service${still}`);
      });
    });
}

async function print(session: Session, agent: AgentView, said: string): Promise<void> {
  if (session.json) await session.document(agent.json);
  else await session.terminal.note(said);
}
