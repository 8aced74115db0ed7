import type { Command } from "commander";
import type { SessionView } from "../api/agent.ts";
import { integerOption } from "../command/request-options.ts";
import { type Surroundings, withSession } from "../session.ts";
import { printPage } from "../terminal/page.ts";
import type { Column } from "../terminal/table.ts";
import { relativeTime, spokenDuration } from "../terminal/time.ts";

/** `agents sessions`: when an agent was connected, where, and why each session ended. */
export function addAgentsSessions(parent: Command, surroundings: Surroundings): void {
  parent
    .command("sessions")
    .summary("show an agent's last connections, and why each ended")
    .argument("<agentId>")
    .option("--limit <n>", "at most this many (1–500; the server keeps the last 50)", integerOption(1, 500))
    .addHelpText("after", "\nExample:\n  fleetwire agents sessions web-1 --limit 10")
    .action(async (agentId: string, { limit }: { limit?: number }, command: Command) => {
      await withSession(command, surroundings, async (session) => {
        const page = await session.client.agentSessions(agentId, { limit });
        await printPage(session, page, columnsAt(session.terminal.now()), `${agentId} has not connected yet`);
      });
    });
}

function columnsAt(now: Date): Column<SessionView>[] {
  return [
    { title: "EPOCH", align: "right", text: ({ epoch }) => String(epoch) },
    { title: "CONNECTED", text: ({ connectedAt }) => connectedAt?.toISOString() ?? "" },
    { title: "FOR", align: "right", text: (session) => lengthOf(session, now) },
    { title: "ENDED", text: ({ disconnectedAt }) => (disconnectedAt ? relativeTime(disconnectedAt, now) : "") },
    { title: "REASON", text: ({ disconnectedAt, reason }) => (disconnectedAt ? (reason ?? "") : "open") },
    { title: "SERVER", text: ({ serverId }) => serverId },
    { title: "DETAIL", text: ({ detail }) => detail ?? "" },
  ];
}

function lengthOf({ connectedAt, disconnectedAt }: SessionView, now: Date): string {
  if (connectedAt === null) return "";
  return spokenDuration(Math.max(0, (disconnectedAt ?? now).getTime() - connectedAt.getTime()));
}
