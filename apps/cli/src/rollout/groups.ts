import type { RolloutGroup } from "../api/rollout-group.ts";
import { paintStatus } from "../command/outcome.ts";
import type { Session } from "../session.ts";
import type { Colors } from "../terminal/terminal.ts";
import { visibleLine, visibleText } from "../terminal/visible.ts";

/** A group of no more than this is named whole. */
const namedAgents = 8;

/** Prints equal output once, and from how many agents it is; an empty line between each two. */
export async function printGroups(session: Session, groups: readonly RolloutGroup[]): Promise<void> {
  const blocks = groups.map((group) => groupLines(group, session.terminal.out.colors).join("\n"));
  if (blocks.length > 0) await session.line(blocks.join("\n\n"));
}

/** A heading and the output, which is set in: none of its lines can pass for a heading. */
export function groupLines(group: RolloutGroup, colors: Colors): string[] {
  const { count, status } = group;
  const heading = [
    colors.bold(`${count} ${count === 1 ? "agent" : "agents"}`),
    paintStatus(colors, status, visibleLine(howText(group))),
    colors.dim(whoText(group)),
  ];
  return [heading.filter(Boolean).join("  "), ...bodyLines(group, colors).map((line) => `  ${line}`)];
}

function howText({ status, exitCode, error }: RolloutGroup): string {
  const code = status === "failed" && exitCode !== null && error === null ? ` with exit code ${exitCode}` : "";
  return `${status}${code}${error !== null && error !== status ? ` (${error})` : ""}`;
}

function whoText({ agents, count }: RolloutGroup): string {
  const named = agents.slice(0, namedAgents).map(visibleLine);
  const more = count - named.length;
  return named.length > 0 && more > 0 ? `${named.join(", ")} and ${more} more` : named.join(", ");
}

function bodyLines({ output, outputBytes }: RolloutGroup, colors: Colors): string[] {
  const text = visibleText(output).replace(/\n+$/, "");
  if (text === "") return [colors.dim("(no output)")];
  const isCut = outputBytes > Buffer.byteLength(output);
  return [...text.split("\n"), ...(isCut ? [colors.dim(`… ${outputBytes} bytes in all`)] : [])];
}
