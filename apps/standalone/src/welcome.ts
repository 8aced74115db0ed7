import { stripVTControlCharacters } from "node:util";
import type pc from "picocolors";
import type { RoundTrip } from "./first-command.ts";

export type Colors = ReturnType<typeof pc.createColors>;

export interface Places {
  home: string;
  httpUrl: string;
  grpcAddress: string;
  cliFile: string;
  /** Null: none was started. */
  valkey: { port: number; dataFolder: string } | null;
  /** Null: the log goes to stderr. */
  logFile: string | null;
}

/** What runs where. */
export function placesText(places: Places, colors: Colors): string {
  const { home, httpUrl, grpcAddress, cliFile, valkey, logFile } = places;
  return rows(
    [
      ["API", httpUrl],
      ["API docs", `${httpUrl}/docs`],
      ["OpenAPI", `${httpUrl}/openapi.json`],
      ["metrics", `${httpUrl}/metrics`],
      ["health", `${httpUrl}/health/ready`],
      ["agents (gRPC)", grpcAddress],
      ...(valkey ? [["store", `Valkey 127.0.0.1:${valkey.port}, data in ${valkey.dataFolder}`] as const] : []),
      ["home", home],
      ["credentials", cliFile],
      ...(logFile ? [["log", logFile] as const] : []),
    ],
    colors,
  );
}

/** The way of one command, with the time of each step as the server's store saw it. */
export function roundTripText({ line, commandId, command, tookMs }: RoundTrip, colors: Colors): string {
  const output = stripVTControlCharacters(command.result?.output ?? "").trim();
  return [
    `${colors.bold("A first command")} on the agent ${colors.bold("local")}: ${line}`,
    rows(
      [
        ["queued", commandId],
        ["assigned", since(command.queuedAt, command.assignedAt)],
        ["started", since(command.assignedAt, command.startedAt)],
        [
          command.status,
          `${since(command.startedAt, command.finishedAt)}, exit code ${command.result?.exitCode ?? "none"}`,
        ],
        ["output", output],
      ],
      colors,
    ),
    colors.green(`Round trip: ${tookMs.toFixed(0)} ms from the request to the result.`),
  ].join("\n");
}

function since(from: string | undefined, to: string | undefined): string {
  return from && to ? `${Date.parse(to) - Date.parse(from)} ms later` : "";
}

/** Commands that work as they stand in a shell in the project's folder. */
export function tryNextText(
  input: { home: string; isDefaultHome: boolean; grpcAddress: string },
  colors: Colors,
): string {
  const home = input.isDefaultHome ? "" : `FLEETWIRE_HOME=${quoted(input.home)} `;
  const fleetwire = `${home}bin/fleetwire`;
  return [
    colors.bold("Try next"),
    `  ${fleetwire} agents list`,
    `  ${fleetwire} command run --agent local 'uptime; df -h / | tail -1'`,
    `  ${fleetwire} command send --agent local --type PING --wait`,
    `  ${fleetwire} command list`,
    `  FLEETWIRE_JOIN_TOKEN=$(${fleetwire} agents token) ${home}bin/fleetwire-agent --server ${input.grpcAddress} --id a2`,
    "",
    colors.dim("Ctrl-C stops it all."),
  ].join("\n");
}

function rows(entries: readonly (readonly [name: string, value: string])[], colors: Colors): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `  ${colors.dim(name.padEnd(width))}  ${value}`).join("\n");
}

function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
