import { type Command, Option } from "commander";
import type { AgentView } from "../api/agent.ts";
import { paintStatus } from "../command/outcome.ts";
import { type Surroundings, withSession } from "../session.ts";
import { addPageOptions, type PageOptions, printPage } from "../terminal/page.ts";
import type { Column } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { relativeTime } from "../terminal/time.ts";

interface ListOptions extends PageOptions {
  fleet?: string;
  status?: string;
  label?: string[];
}

/** `agents list`: by agent id. */
export function addAgentsList(parent: Command, surroundings: Surroundings): void {
  addPageOptions(
    parent
      .command("list")
      .summary("list agents")
      .option("--fleet <fleet>", "of this fleet")
      .option("--label <key=value>", "with this label; may be repeated", addOne)
      .addOption(new Option("--status <status>", "in this state").choices(["online", "offline", "revoked"])),
  )
    .addHelpText("after", "\nExample:\n  fleetwire agents list --fleet edge --status offline")
    .action(async (options: ListOptions, command: Command) => {
      await withSession(command, surroundings, async (session) => {
        const { fleet, status, label, limit, cursor } = options;
        const page = await session.client.agents({ fleet, status, label, limit, cursor });
        await printPage(
          session,
          page,
          columnsFor(session.terminal),
          "no agents; enrol one with a token: fleetwire agents token",
        );
      });
    });
}

function columnsFor({ out, now }: Terminal): Column<AgentView>[] {
  const at = now();
  return [
    { title: "AGENT", text: (agent) => agent.agentId },
    {
      title: "STATUS",
      text: ({ status, draining }) => (status === "online" && draining ? "draining" : status),
      paint: (cell, { status }) => paintStatus(out.colors, status, cell),
    },
    { title: "FLEET", text: (agent) => agent.fleet },
    { title: "RUNNING", align: "right", text: ({ running, concurrency }) => slotsText(running, concurrency) },
    { title: "SEEN", text: ({ lastSeenAt }) => (lastSeenAt ? relativeTime(lastSeenAt, at) : "never") },
    { title: "VERSION", text: (agent) => agent.version },
    {
      title: "HOST",
      text: ({ hostname, platform }) => [hostname, platform && `(${platform})`].filter(Boolean).join(" "),
    },
  ];
}

export function slotsText(running: number | null, concurrency: number | null): string {
  return running === null || concurrency === null ? "" : `${running}/${concurrency}`;
}

function addOne(label: string, before: string[] = []): string[] {
  return [...before, label];
}
