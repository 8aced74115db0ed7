import type { FastifyServer } from "@fleetwire/service";
import { Type, type Static } from "typebox";
import { isTerminal } from "../commands/command.ts";
import { agentIdPattern } from "../commands/command-request.ts";
import { CommandStatusSchema, viewCommand } from "../commands/command-view.ts";
import { errors, refusals } from "../errors.ts";
import type { CommandStore, RolloutResult } from "../store/command-store.ts";
import { storeErrors } from "../store/errors.ts";
import { findRollout } from "./find-rollout.ts";
import { groupResults, type RolloutGroup } from "./groups.ts";
import { findResults } from "./results.ts";
import { RolloutGroupSchema, RolloutResultSchema } from "./rollout-view.ts";
import { RolloutIdParams } from "./routes.ts";

const defaultOutputBytes = 4 * 1024;
const maxOutputBytes = 64 * 1024;

const ResultsQuery = Type.Object({
  status: Type.Optional(
    Type.Array(CommandStatusSchema, { maxItems: 7, description: "Any of these: ?status=failed&status=timeout" }),
  ),
  exitCode: Type.Optional(Type.Integer({ minimum: -2_147_483_648, maximum: 2_147_483_647 })),
  agentId: Type.Optional(Type.String({ pattern: agentIdPattern })),
  text: Type.Optional(
    Type.String({ minLength: 1, maxLength: 1024, description: "Only results in whose shown output this is." }),
  ),
  outputBytes: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: maxOutputBytes,
      default: defaultOutputBytes,
      description: "How much of each output is shown, and searched.",
    }),
  ),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
  cursor: Type.Optional(Type.String({ maxLength: 512 })),
});

/** What came of a rollout: one by one, or the same ends together. */
export function registerRolloutResultRoutes(http: FastifyServer, { store }: { store: CommandStore }): void {
  http.get(
    "/rollouts/:id/results",
    {
      config: { scope: "commands:read" },
      schema: {
        summary: "Commands of a rollout, with their output",
        description: `In target order, those that were queued so far. A page may hold fewer than \`limit\`, or none, and still have a
\`nextCursor\`. ${refusals(errors.rollout_unknown, storeErrors.invalid_cursor)}`,
        tags: ["rollouts"],
        params: RolloutIdParams,
        querystring: ResultsQuery,
        response: {
          200: Type.Object({
            items: Type.Array(RolloutResultSchema),
            nextCursor: Type.Union([Type.String(), Type.Null()]),
          }),
        },
      },
    },
    async (request) => {
      const { companyId } = request.principal;
      const { rolloutId } = await findRollout(store, request.principal, request.params.id);
      const { status, exitCode, agentId, text, outputBytes, limit, cursor } = request.query;
      const page = await findResults(store, {
        companyId,
        rolloutId,
        ...(status === undefined ? {} : { statuses: status }),
        ...(exitCode === undefined ? {} : { exitCode }),
        ...(agentId === undefined ? {} : { agentId }),
        ...(text === undefined ? {} : { text }),
        outputBytes: outputBytes ?? defaultOutputBytes,
        limit: limit ?? 50,
        cursor: cursor ?? null,
      });
      return { items: page.items.map(viewResult), nextCursor: page.nextCursor };
    },
  );

  http.get(
    "/rollouts/:id/groups",
    {
      config: { scope: "commands:read" },
      schema: {
        summary: "Results of a rollout, equal ones together",
        description: `Ended commands by status, exit code, error and output (its length and first 64 KiB), the largest group first.
${refusals(errors.rollout_unknown)}`,
        tags: ["rollouts"],
        params: RolloutIdParams,
        response: { 200: Type.Array(RolloutGroupSchema) },
      },
    },
    async (request) => {
      const { companyId, rolloutId } = await findRollout(store, request.principal, request.params.id);
      return (await groupResults(store, companyId, rolloutId)).map(viewGroup);
    },
  );
}

function viewResult({ command, output }: RolloutResult): Static<typeof RolloutResultSchema> {
  return {
    ...viewCommand(command, null),
    ...(isTerminal(command.status) ? { output: output.toString("utf8") } : {}),
  };
}

function viewGroup({ output, ...group }: RolloutGroup): Static<typeof RolloutGroupSchema> {
  return { ...group, output: output.toString("utf8") };
}
