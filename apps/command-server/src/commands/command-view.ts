import { Type, type Static } from "typebox";
import { commandStatuses, type Command, type CommandResult } from "./command.ts";
import type { WholeOutput } from "./output.ts";

/** The most output that is part of a command's own answer, bytes; `GET /commands/:id/output` has all that is kept. */
export const shownOutputBytes = 1024 * 1024;

export const CommandStatusSchema = Type.Enum([...commandStatuses], {
  description: "`completed` means exit code 0; another exit code is `failed`, with the code in the result.",
});

const Instant = Type.String({ format: "date-time" });

const ResultSchema = Type.Object({
  exitCode: Type.Union([Type.Integer(), Type.Null()], { description: "Null where nothing ran to an end." }),
  output: Type.Optional(
    Type.String({ description: "stdout and stderr in arrival order, as UTF-8 text; left out in lists." }),
  ),
  truncated: Type.Boolean({ description: "The middle of the output wasn't kept." }),
  outputBytes: Type.Integer({ description: "Length of the whole output, dropped bytes included." }),
  error: Type.Optional(Type.String({ description: "A code, where the exit code doesn't say it all." })),
  errorMessage: Type.Optional(Type.String()),
  durationMs: Type.Union([Type.Integer(), Type.Null()]),
  leftRunning: Type.Optional(
    Type.Array(Type.Object({ pid: Type.Integer(), command: Type.String() }), {
      maxItems: 20,
      description: "Processes that it had started and that ran on after its end, as far as the agent saw them.",
    }),
  ),
});

const LateResultSchema = Type.Object({ ...ResultSchema.properties, status: CommandStatusSchema });

export const CommandSchema = Type.Object(
  {
    commandId: Type.String(),
    agentId: Type.String(),
    type: Type.String(),
    command: Type.Optional(Type.String()),
    args: Type.Optional(Type.Array(Type.String())),
    parameters: Type.Object({}, { additionalProperties: true }),
    status: CommandStatusSchema,
    attempt: Type.Integer({ description: "Begins at 1." }),
    timeoutSeconds: Type.Number(),
    priority: Type.Integer(),
    idempotent: Type.Boolean(),
    queuedAt: Instant,
    assignedAt: Type.Optional(Instant),
    startedAt: Type.Optional(Instant),
    finishedAt: Type.Optional(Instant),
    expiresAt: Instant,
    cancelRequestedAt: Type.Optional(Instant),
    createdBy: Type.String({ description: "Who queued it, `kind:id`." }),
    rolloutId: Type.Optional(Type.String({ description: "The rollout that it is of." })),
    result: Type.Optional(ResultSchema),
    lateResult: Type.Optional(LateResultSchema),
  },
  { title: "Command" },
);

export type CommandView = Static<typeof CommandSchema>;

/** A command as the HTTP API shows it. Without `output`, its result is shown without it. */
export function viewCommand(command: Command, output: WholeOutput | null): CommandView {
  const { result, lateResult } = command;
  return {
    commandId: command.commandId,
    agentId: command.agentId,
    type: command.type,
    ...(command.command === null ? {} : { command: command.command }),
    ...(command.args === null ? {} : { args: command.args }),
    parameters: command.parameters,
    status: command.status,
    attempt: command.attempt,
    timeoutSeconds: command.timeoutMs / 1000,
    priority: command.priority,
    idempotent: command.idempotent,
    queuedAt: command.queuedAt.toISOString(),
    ...instant("assignedAt", command.assignedAt),
    ...instant("startedAt", command.startedAt),
    ...instant("finishedAt", command.finishedAt),
    expiresAt: command.expiresAt.toISOString(),
    ...instant("cancelRequestedAt", command.cancelRequestedAt),
    createdBy: command.createdBy,
    ...(command.rolloutId === null ? {} : { rolloutId: command.rolloutId }),
    ...(result === null ? {} : { result: viewResult(result, output) }),
    ...(lateResult === null ? {} : { lateResult: { ...viewResult(lateResult, null), status: lateResult.status } }),
  };
}

function viewResult(result: CommandResult, output: WholeOutput | null): Static<typeof ResultSchema> {
  return {
    exitCode: result.exitCode,
    ...(output === null ? {} : { output: output.bytes.toString("utf8") }),
    truncated: result.truncated || (output?.truncated ?? false),
    outputBytes: result.outputBytes,
    ...(result.error === null ? {} : { error: result.error }),
    ...(result.errorMessage === null ? {} : { errorMessage: result.errorMessage }),
    durationMs: result.durationMs,
    ...(result.leftRunning.length === 0 ? {} : { leftRunning: result.leftRunning }),
  };
}

function instant<K extends string>(name: K, at: Date | null): { [P in K]?: string } {
  return (at === null ? {} : { [name]: at.toISOString() }) as { [P in K]?: string };
}
