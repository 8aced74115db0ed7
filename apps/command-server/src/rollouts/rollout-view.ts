import { Type, type Static } from "typebox";
import { RetrySchema } from "../commands/command-request.ts";
import { CommandSchema, CommandStatusSchema } from "../commands/command-view.ts";
import { rolloutStatuses, type Rollout } from "./rollout.ts";

export const RolloutStatusSchema = Type.Enum([...rolloutStatuses], {
  description:
    "`completed`: every command has ended, well or not. `halted`: more errors than `maxErrors`. `stopped`: by an operator.",
});

const Instant = Type.String({ format: "date-time" });

const CountsSchema = Type.Object(
  {
    targets: Type.Integer(),
    pending: Type.Integer({ description: "Not queued yet; of a rollout that has ended: never queued." }),
    queued: Type.Integer(),
    assigned: Type.Integer(),
    completed: Type.Integer(),
    failed: Type.Integer(),
    timeout: Type.Integer(),
    cancelled: Type.Integer(),
    expired: Type.Integer(),
    errors: Type.Integer({ description: "Of failed and timeout, those that `maxErrors` counts: they had started." }),
  },
  { title: "RolloutCounts" },
);

/** A rollout on the move: the data of the events `progress` and `end`. */
export const ProgressSchema = Type.Object({
  rolloutId: Type.String(),
  status: RolloutStatusSchema,
  counts: CountsSchema,
  finishedAt: Type.Optional(Instant),
});

export const RolloutSchema = Type.Object(
  {
    rolloutId: Type.String(),
    status: RolloutStatusSchema,
    type: Type.String(),
    command: Type.Optional(Type.String()),
    args: Type.Optional(Type.Array(Type.String())),
    parameters: Type.Object({}, { additionalProperties: true }),
    timeoutSeconds: Type.Number(),
    priority: Type.Integer(),
    idempotent: Type.Boolean(),
    retry: Type.Optional(RetrySchema),
    expiresAt: Type.Optional(Instant),
    maxConcurrency: Type.Optional(Type.Integer()),
    maxErrors: Type.Optional(Type.Integer()),
    selection: Type.Object(
      {},
      { additionalProperties: true, description: "Whom it was asked for: `fleetId` or `selector`." },
    ),
    unable: Type.Integer({ description: "Agents that were selected and can't do it: no targets." }),
    retryOf: Type.Optional(Type.String({ description: "The rollout whose failed targets these are." })),
    createdBy: Type.String({ description: "Who asked for it, `kind:id`." }),
    createdAt: Instant,
    finishedAt: Type.Optional(
      Type.String({ format: "date-time", description: "When it was over; what its agents ran may have gone on." }),
    ),
    counts: CountsSchema,
  },
  { title: "Rollout" },
);

export const RolloutResultSchema = Type.Object(
  {
    ...CommandSchema.properties,
    output: Type.Optional(
      Type.String({ description: "The first `outputBytes` of what is kept, as UTF-8 text; left out before its end." }),
    ),
  },
  { title: "RolloutResult" },
);

export const RolloutGroupSchema = Type.Object(
  {
    status: CommandStatusSchema,
    exitCode: Type.Union([Type.Integer(), Type.Null()]),
    error: Type.Union([Type.String(), Type.Null()]),
    count: Type.Integer(),
    outputBytes: Type.Integer({ description: "Length of the whole output of each." }),
    output: Type.String({ description: "Its first 4 KiB, as UTF-8 text." }),
    agents: Type.Array(Type.String(), { description: "The first 10, in target order." }),
  },
  { title: "RolloutGroup" },
);

/** What a rollout that was asked for is answered with. */
export const RolloutAcceptedSchema = Type.Object({
  rolloutId: Type.String(),
  status: RolloutStatusSchema,
  targets: Type.Integer(),
  unable: Type.Integer(),
});

export const DryRunSchema = Type.Object({
  dryRun: Type.Literal(true),
  targets: Type.Integer(),
  unable: Type.Integer(),
  agents: Type.Array(Type.String(), { description: "The first 500, in the order in which they would be queued." }),
});

export type RolloutView = Static<typeof RolloutSchema>;

export function viewRollout(rollout: Rollout): RolloutView {
  const { template } = rollout;
  return {
    rolloutId: rollout.rolloutId,
    status: rollout.status,
    type: template.type,
    ...(template.command === null ? {} : { command: template.command }),
    ...(template.args === null ? {} : { args: template.args }),
    parameters: template.parameters,
    timeoutSeconds: template.timeoutMs / 1000,
    priority: template.priority,
    idempotent: template.idempotent,
    ...(template.retry === null
      ? {}
      : { retry: { maxAttempts: template.retry.maxAttempts, on: [...template.retry.on] } }),
    ...(rollout.expiresAt === null ? {} : { expiresAt: rollout.expiresAt.toISOString() }),
    ...(rollout.maxConcurrency === null ? {} : { maxConcurrency: rollout.maxConcurrency }),
    ...(rollout.maxErrors === null ? {} : { maxErrors: rollout.maxErrors }),
    selection: rollout.selection,
    unable: rollout.unable,
    ...(rollout.retryOf === null ? {} : { retryOf: rollout.retryOf }),
    createdBy: rollout.createdBy,
    createdAt: rollout.createdAt.toISOString(),
    ...(rollout.finishedAt === null ? {} : { finishedAt: rollout.finishedAt.toISOString() }),
    counts: rollout.counts,
  };
}

export function viewProgress({ rolloutId, status, counts, finishedAt }: Rollout): Static<typeof ProgressSchema> {
  return {
    rolloutId,
    status,
    counts,
    ...(finishedAt === null ? {} : { finishedAt: finishedAt.toISOString() }),
  };
}
