import { Command } from "commander";
import { reportEnd } from "./command/send.ts";
import { addRequestOptions, durationOption, readRequest, type RequestOptions } from "./command/request-options.ts";
import { exitCodes } from "./exit-codes.ts";
import { runProgram } from "./run-program.ts";
import { addGlobalOptions, type Surroundings, withSession } from "./session.ts";
import { visibleLine } from "./terminal/visible.ts";
import { version } from "./version.ts";

interface SenderOptions extends RequestOptions {
  command?: string;
  wait?: boolean;
  timeout?: number;
}

process.exitCode = await runProgram(createCommandSender);

/** Queues one command, for an agent that may not be known yet, and prints its id and status. */
function createCommandSender(surroundings: Surroundings, finish: (code: number) => void): Command {
  return addRequestOptions(addGlobalOptions(new Command("command-sender")))
    .description("Queues one command and prints its id and status. The agent may be one that has not enrolled yet.")
    .version(version, "-V, --version")
    .option("--command <line>", "SHELL: the line for the agent's shell")
    .argument("[line...]", 'the same as --command; or "--", a program and its arguments')
    .option("--wait", "wait for its end, print it, and exit with its exit code")
    .option("--timeout <duration>", "with --wait: how long to wait", durationOption)
    .addHelpText(
      "after",
      `
Examples:
  command-sender --agent=agent123 --type=STOP --params=reason=test
  command-sender --agent=agent123 --type=SHELL --command=uptime --wait`,
    )
    .action(async (operands: string[], options: SenderOptions, command: Command) => {
      const line = options.shellLine ?? options.command;
      const asked = { ...options, allowUnknownAgent: true, ...(line === undefined ? {} : { shellLine: line }) };
      const request = readRequest(asked, operands, surroundings.args, surroundings.terminal.now());
      await withSession(command, surroundings, async (session) => {
        const queued = await session.client.send(request);
        if (options.wait) return finish(await reportEnd(session, queued.commandId, options.timeout));
        if (session.json) await session.document(queued.json);
        else await session.line(visibleLine(`${queued.commandId} ${queued.status}`));
        return finish(exitCodes.ok);
      });
    });
}
