import type { Command } from "commander";
import type { AgentView } from "../api/agent.ts";
import { paintStatus } from "../command/outcome.ts";
import { type Session, type Surroundings, withSession } from "../session.ts";
import { type Fact, factLines, instant } from "../terminal/facts.ts";
import { slotsText } from "./list.ts";

/** `agents show`: one agent, its connection and why it last ended. */
export function addAgentsShow(parent: Command, surroundings: Surroundings): void {
  parent
    .command("show")
    .summary("show one agent")
    .argument("<agentId>")
    .action(async (agentId: string, _options: object, command: Command) => {
      await withSession(command, surroundings, async (session) => {
        const agent = await session.client.agent(agentId);
        if (session.json) await session.document(agent.json);
        else await show(session, agent);
      });
    });
}

async function show({ terminal, line }: Session, agent: AgentView): Promise<void> {
  const now = terminal.now();
  const { colors } = terminal.out;
  const why = [agent.disconnectReason, agent.disconnectDetail].filter(Boolean).join(": ");
  const facts: Fact[] = [
    ["agent", agent.agentId],
    ["status", agent.status, (cell) => paintStatus(colors, agent.status, cell)],
    ["draining", agent.draining ? drainText(agent, now) : null],
    ["fleet", agent.fleet],
    ["host", agent.hostname],
    ["platform", agent.platform],
    ["version", agent.version],
    ["running", slotsText(agent.running, agent.concurrency)],
    ["load", loadText(agent)],
    ["types", agent.types.join(", ")],
    ["labels", agent.labels.map(([name, value]) => `${name}=${value}`).join(", ")],
    ["facts", instant(agent.factsAt, now)],
    ["enrolled", instant(agent.enrolledAt, now)],
    ["connected", instant(agent.connectedAt, now)],
    ["last seen", instant(agent.lastSeenAt, now)],
    ["disconnected", agent.status === "online" ? null : instant(agent.disconnectedAt, now)],
    ["because", agent.status === "online" ? null : why],
  ];
  for (const text of factLines(facts, colors)) await line(text);
}

function drainText({ drainReasons, drainRequestedAt }: AgentView, now: Date): string {
  const since = instant(drainRequestedAt, now);
  const reasons: Record<string, string> = {
    operator: `taken out of service by an operator${since === null ? "" : `, ${since}`}`,
    agent: "the agent is stopping: it finishes what it has",
  };
  return drainReasons.map((reason) => reasons[reason] ?? reason).join("; ") || "yes";
}

function loadText({ load1, freeMemoryBytes }: AgentView): string | null {
  if (load1 === null || freeMemoryBytes === null) return null;
  return `${load1.toFixed(2)} (1 min), ${(freeMemoryBytes / 2 ** 30).toFixed(1)} GiB of memory free`;
}
