import { type Command, Option } from "commander";
import { followCommand, type FollowedEvent } from "../api/follow.ts";
import { type Session, type Surroundings, withSession } from "../session.ts";
import { createOutputPrinter } from "../terminal/output-printer.ts";
import { visibleJson } from "../terminal/visible.ts";
import { describeOutcome } from "./outcome.ts";

interface LogsOptions {
  follow?: boolean;
  raw?: boolean;
  stream?: "stdout" | "stderr";
}

/** `command logs`: what is kept of a command's output; --follow goes on to its end. */
export function addLogs(parent: Command, surroundings: Surroundings): void {
  parent
    .command("logs")
    .summary("show a command's output")
    .description(
      "Writes what is kept of a command's output to stdout, both streams in the order in which they came. With --follow\n" +
        "its stdout goes to stdout, its stderr to stderr, as they come, until it ends. Exits 0 whatever became of it.",
    )
    .argument("<commandId>")
    .option("-f, --follow", "go on until the command has ended")
    .addOption(new Option("--stream <stream>", "only this one").choices(["stdout", "stderr"]))
    .option("--raw", "on a terminal: let escape sequences of the output through")
    .addHelpText(
      "after",
      `
With --json: { commandId, output }; with --follow one event on each line ({ "event": "output", "stream", "offset", "text" | "base64" }).

Examples:
  fleetwire command logs 01990b5e-… | less
  fleetwire command logs --follow 01990b5e-…`,
    )
    .action(async (commandId: string, options: LogsOptions, command: Command) => {
      await withSession(command, surroundings, (session) =>
        options.follow ? follow(session, commandId, options) : show(session, commandId, options),
      );
    });
}

async function show(session: Session, commandId: string, options: LogsOptions): Promise<void> {
  const body = await session.client.output(commandId, { stream: options.stream });
  const printer = createOutputPrinter(session.terminal, { raw: options.raw === true, silent: session.json });
  const kept: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer>) {
    // Bounded: the server keeps about 1 MiB of a command.
    if (session.json) kept.push(chunk);
    await printer.output("stdout", chunk);
  }
  await printer.end();
  if (session.json) await session.document({ commandId, output: Buffer.concat(kept).toString("utf8") });
}

async function follow(session: Session, commandId: string, options: LogsOptions): Promise<void> {
  const { client, terminal } = session;
  const printer = createOutputPrinter(terminal, { raw: options.raw === true, silent: session.json });
  const events = followCommand(client, commandId, {
    onLost: (why) => void terminal.note(`fleetwire: ${why}; trying again`),
  });
  for await (const event of events) {
    if (event.kind === "output" && options.stream && event.stream !== options.stream) continue;
    if (session.json) await session.line(visibleJson(eventJson(event)));
    if (event.kind === "output") await printer.output(event.stream, event.data);
    if (event.kind === "gap" && !session.json) await printer.gap(event.bytes);
    if (event.kind === "end") await printer.end();
    if (event.kind === "end") await terminal.note(`fleetwire: ${describeOutcome(event.command)}`);
  }
}

function eventJson(event: FollowedEvent): Record<string, unknown> {
  if (event.kind === "gap") return { event: "gap", offset: event.offset, bytes: event.bytes };
  if (event.kind !== "output") return { event: event.kind, command: event.command.json };
  const { stream, offset, data } = event;
  const text = data.toString("utf8");
  // A piece may begin or end within a character.
  const content = Buffer.from(text, "utf8").equals(data) ? { text } : { base64: data.toString("base64") };
  return { event: "output", stream, offset, ...content };
}
