import type { Command } from "commander";
import { createClient, type Client } from "./api/client.ts";
import { createHttp } from "./api/http.ts";
import type { Environment } from "./config.ts";
import { isOpenNetwork, resolveConnection, type ConnectionFlags } from "./credentials.ts";
import type { Terminal } from "./terminal/terminal.ts";
import { visibleJson } from "./terminal/visible.ts";

/** What the process gives to a run of the program. */
export interface Surroundings {
  args: readonly string[];
  environment: Environment;
  terminal: Terminal;
  cwd: string;
}

/** One run of one subcommand: a client for the server that its flags name, and where its output goes. */
export interface Session {
  client: Client;
  terminal: Terminal;
  /** Data on stdout is JSON. */
  json: boolean;
  /** One line of data. */
  line: (text: string) => Promise<void>;
  /** A JSON document: indented for a terminal, on one line for a pipe. */
  document(value: unknown): Promise<void>;
}

interface GlobalOptions extends ConnectionFlags {
  json?: boolean;
}

/** Adds the options that every subcommand has. */
export function addGlobalOptions(program: Command): Command {
  return program
    .option("--url <url>", "command-server (FLEETWIRE_URL, else cli.json, else http://127.0.0.1:3004)")
    .option("--token <token>", "who you are (FLEETWIRE_TOKEN, else cli.json); visible to others in the process list")
    .option("--home <folder>", "folder of cli.json (FLEETWIRE_HOME, else .fleetwire)")
    .option("--json", "data on stdout as JSON, everything else on stderr");
}

/** Runs `work` with a session for the options of `command`; closes it whatever comes. */
export async function withSession<T>(
  command: Command,
  { environment, terminal, cwd }: Surroundings,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const options = command.optsWithGlobals<GlobalOptions>();
  const connection = resolveConnection(options, environment, cwd);
  if (isOpenNetwork(connection.url)) {
    await terminal.note(`fleetwire: warning: the token goes to ${connection.url.host} unencrypted; use https`);
  }
  const http = createHttp(connection);
  const line = (text: string) => terminal.out.write(`${text}\n`);
  try {
    return await work({
      client: createClient(http),
      terminal,
      json: options.json === true,
      line,
      document: (value) => line(visibleJson(value, terminal.out.isTerminal ? 2 : undefined)),
    });
  } finally {
    await http.close();
  }
}
