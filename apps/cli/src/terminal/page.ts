import type { Command } from "commander";
import type { Page } from "../api/calls.ts";
import { integerOption } from "../command/request-options.ts";
import type { Session } from "../session.ts";
import { type Column, tableLines } from "./table.ts";

export interface PageOptions {
  limit?: number;
  cursor?: string;
}

/** The options of every list. */
export function addPageOptions(command: Command): Command {
  return command
    .option("--limit <n>", "at most this many (1–500, default 50)", integerOption(1, 500))
    .option("--cursor <cursor>", "go on where the page before ended");
}

/** A page of a list as a table, or as the server's JSON; how to get the next one goes to stderr. */
export async function printPage<Row>(
  session: Session,
  page: Page<Row>,
  columns: readonly Column<Row>[],
  nothing: string,
): Promise<void> {
  const { terminal } = session;
  if (session.json) return session.document(page.json);
  if (page.items.length === 0) return terminal.note(nothing);
  const screen = { columns: terminal.out.columns, heading: terminal.out.colors.dim };
  for (const line of tableLines(page.items, columns, screen)) await session.line(line);
  if (page.nextCursor) await terminal.note(`more: --cursor ${page.nextCursor}`);
}
