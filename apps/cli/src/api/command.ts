import { AnswerRecord } from "./record.ts";

/** A command as the server tells it. `json` is the whole answer, for `--json`. */
export interface CommandView {
  json: Record<string, unknown>;
  commandId: string;
  agentId: string;
  type: string;
  status: string;
  attempt: number | null;
  /** What it does, in one line: the shell line, the program with its arguments, or the parameters. */
  summary: string;
  queuedAt: Date | null;
  assignedAt: Date | null;
  startedAt: Date | null;
  finishedAt: Date | null;
  expiresAt: Date | null;
  cancelRequestedAt: Date | null;
  timeoutSeconds: number | null;
  priority: number | null;
  /** The rollout that it is part of. */
  rolloutId: string | null;
  result: ResultView | null;
}

interface ResultView {
  exitCode: number | null;
  output: string | null;
  truncated: boolean;
  error: string | null;
  errorMessage: string | null;
  durationMs: number | null;
  /** "pid command", each. */
  leftRunning: string[];
}

/** Throws a CliFailure where the answer isn't a command. */
export function readCommand(json: unknown): CommandView {
  const record = new AnswerRecord(json);
  const result = record.optionalRecord("result");
  return {
    json: record.json,
    commandId: record.text("commandId"),
    agentId: record.text("agentId"),
    type: record.text("type"),
    status: record.text("status"),
    attempt: record.optionalNumber("attempt"),
    summary: summaryOf(record),
    queuedAt: record.optionalDate("queuedAt"),
    assignedAt: record.optionalDate("assignedAt"),
    startedAt: record.optionalDate("startedAt"),
    finishedAt: record.optionalDate("finishedAt"),
    expiresAt: record.optionalDate("expiresAt"),
    cancelRequestedAt: record.optionalDate("cancelRequestedAt"),
    timeoutSeconds: record.optionalNumber("timeoutSeconds"),
    priority: record.optionalNumber("priority"),
    rolloutId: record.optionalText("rolloutId"),
    result: result && readResult(result),
  };
}

function readResult(record: AnswerRecord): ResultView {
  return {
    exitCode: record.optionalNumber("exitCode"),
    output: record.optionalText("output"),
    truncated: record.flag("truncated"),
    error: record.optionalText("error"),
    errorMessage: record.optionalText("errorMessage"),
    durationMs: record.optionalNumber("durationMs"),
    leftRunning: readLeftRunning(record.json["leftRunning"]),
  };
}

function readLeftRunning(json: unknown): string[] {
  if (!Array.isArray(json)) return [];
  return json.map((entry: unknown) => {
    const process = new AnswerRecord(entry);
    return `${process.number("pid")} ${process.text("command")}`;
  });
}

/** What a command does, in one line. */
export function summaryOf(record: AnswerRecord): string {
  const line = record.optionalText("command");
  const { args, parameters } = record.json;
  if (line !== null) return Array.isArray(args) ? [line, ...args.map(String)].map(quoted).join(" ") : line;
  return parameters && Object.keys(parameters).length > 0 ? JSON.stringify(parameters) : "";
}

/** So that "a b" and "a", "b" don't look alike. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
