import type { Execution, OutputSink } from "../execution/execution.ts";

/** One command as its handler sees it. */
export interface CommandRequest {
  commandId: string;
  attempt: number;
  /** SHELL: a line for the shell where `args` is null, else the program. */
  command: string;
  args: readonly string[] | null;
  parameters: Readonly<Record<string, unknown>>;
  /** W3C trace context; may be empty. */
  traceparent: string;
}

export interface Rejection {
  /** A code in snake_case. */
  error: string;
  errorMessage: string;
}

/** How commands of one type are carried out. */
export interface CommandHandler {
  /** `[A-Z][A-Z0-9_]{0,63}`. */
  type: string;
  /** JSON Schema of the parameters; null: any object. */
  parametersSchema: Readonly<Record<string, unknown>> | null;
  /** `work` takes one of the agent's slots; `control` runs beside them. */
  lane: "work" | "control";
  /** False: harmless to run twice, so that it needs no ledger. */
  recorded: boolean;
  /** Why this command may not run here; null when it may. */
  reject?(request: CommandRequest): Rejection | null;
  run(request: CommandRequest, output: OutputSink): Execution;
  /** What the agent does when the result is with the server. */
  afterwards?: "stop" | "restart";
}
