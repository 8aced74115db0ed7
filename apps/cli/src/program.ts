import { Command } from "commander";
import { addAgentsDrain, addAgentsUndrain } from "./agents/drain.ts";
import { addAgentsList } from "./agents/list.ts";
import { addAgentsRevoke } from "./agents/revoke.ts";
import { addAgentsSessions } from "./agents/sessions.ts";
import { addAgentsShow } from "./agents/show.ts";
import { addAgentsToken } from "./agents/token.ts";
import { addCancel } from "./command/cancel.ts";
import { addList } from "./command/list.ts";
import { addLogs } from "./command/logs.ts";
import { addRun } from "./command/run.ts";
import { addSend } from "./command/send.ts";
import { addStatus } from "./command/status.ts";
import { exitCodeHelp } from "./exit-codes.ts";
import { addRollout } from "./rollout/program.ts";
import { addGlobalOptions, type Surroundings } from "./session.ts";
import { version } from "./version.ts";

/** The `fleetwire` command. `finish` is told the exit code where an action has one of its own. */
export function createProgram(surroundings: Surroundings, finish: (code: number) => void): Command {
  const program = addGlobalOptions(new Command("fleetwire"))
    .description("Commands for fleets of agents: queue them, follow them, see what became of them.")
    .version(version, "-V, --version")
    .addHelpText(
      "after",
      `
Examples:
  fleetwire agents list
  fleetwire command run --agent local 'uname -a; uptime'
  fleetwire command send --agent local --type PING --wait
  fleetwire rollout run --fleet edge --max-concurrency 10 'df -h /'
  fleetwire help exit-codes`,
    );

  const command = program.command("command").summary("send commands and see what became of them");
  addSend(command, surroundings, finish);
  addRun(command, surroundings, finish);
  addStatus(command, surroundings);
  addList(command, surroundings);
  addCancel(command, surroundings, finish);
  addLogs(command, surroundings);

  addRollout(program.command("rollout"), surroundings, finish);

  const agents = program.command("agents").summary("agents and the tokens they join with");
  addAgentsList(agents, surroundings);
  addAgentsShow(agents, surroundings);
  addAgentsSessions(agents, surroundings);
  addAgentsDrain(agents, surroundings);
  addAgentsUndrain(agents, surroundings);
  addAgentsToken(agents, surroundings);
  addAgentsRevoke(agents, surroundings);

  program
    .command("exit-codes")
    .summary("what the exit codes mean")
    // For `fleetwire help exit-codes`.
    .configureHelp({ formatHelp: () => exitCodeHelp })
    .action(() => surroundings.terminal.out.write(exitCodeHelp));
  return program;
}
