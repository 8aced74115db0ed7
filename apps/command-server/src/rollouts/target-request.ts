import { Type, type Static } from "typebox";
import { commandTypePattern } from "../commands/command-type.ts";

/** The most agents of one rollout. */
export const maxTargets = 100_000;

const SelectorSchema = Type.Object(
  {
    fleet: Type.Optional(Type.String({ maxLength: 128 })),
    labels: Type.Optional(
      // A name may be of several lines, which the default pattern leaves out; the values of such names would go unchecked.
      Type.Record(Type.String({ pattern: "^[\\s\\S]*$" }), Type.String({ maxLength: 128 }), {
        propertyNames: { minLength: 1, maxLength: 128 },
        maxProperties: 16,
        description: "Each with exactly this value.",
      }),
    ),
    capabilities: Type.Optional(
      Type.Array(Type.String({ pattern: commandTypePattern }), {
        maxItems: 16,
        description: "Types of command that the agent announced, each of them.",
      }),
    ),
    online: Type.Optional(
      Type.Boolean({
        description: "True: only agents that are connected. Else commands wait for the others until `expiresAt`.",
      }),
    ),
  },
  {
    additionalProperties: false,
    description: "Agents for which all that is said holds; `{}`: every agent of the company.",
  },
);

export type Selector = Static<typeof SelectorSchema>;

/** What a request says beside the command when it is for many agents. */
export const targetFields = {
  fleetId: Type.Optional(
    Type.String({ minLength: 1, maxLength: 128, description: "Every agent of this fleet: makes a rollout." }),
  ),
  selector: Type.Optional(SelectorSchema),
  maxConcurrency: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: maxTargets,
      description: "Rollouts: most commands that are queued or running at a time. Default: no bound.",
    }),
  ),
  maxErrors: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: maxTargets,
      description:
        "Rollouts: halt at more errors than this. Commands that ran and failed or timed out are errors; what was never delivered isn't. Default: never.",
    }),
  ),
  pick: Type.Optional(
    Type.Enum(["one"], {
      description: "Queue one command, for the least loaded of these agents that is online, can and isn't draining.",
    }),
  ),
  dryRun: Type.Optional(Type.Boolean({ description: "Only say whom it would reach." })),
};
