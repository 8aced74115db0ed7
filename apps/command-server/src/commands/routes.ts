import type { FastifyServer } from "@fleetwire/service";
import { Type } from "typebox";
import { errors, refusals } from "../errors.ts";
import { storeErrors } from "../store/errors.ts";
import { CommandRequestSchema, agentIdPattern } from "./command-request.ts";
import { commandTypePattern } from "./command-type.ts";
import { CommandSchema, CommandStatusSchema, shownOutputBytes, viewCommand } from "./command-view.ts";
import { cancelCommand, findCommandWithOutput } from "./find-command.ts";
import { requestCommands, type RolloutDeps } from "../rollouts/request-commands.ts";
import { DryRunSchema, RolloutAcceptedSchema } from "../rollouts/rollout-view.ts";

export const CommandIdParams = Type.Object({ id: Type.String({ description: "commandId" }) });

const QueuedSchema = Type.Object({
  commandId: Type.String(),
  status: CommandStatusSchema,
  agentId: Type.Optional(Type.String({ description: "Whom `pick` took." })),
});

const ListQuery = Type.Object({
  agentId: Type.Optional(Type.String({ pattern: agentIdPattern })),
  status: Type.Optional(
    Type.Array(CommandStatusSchema, { maxItems: 7, description: "Any of these: ?status=queued&status=assigned" }),
  ),
  type: Type.Optional(Type.String({ pattern: commandTypePattern })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
  cursor: Type.Optional(Type.String({ maxLength: 512 })),
});

/** Queueing, reading, listing and cancelling commands over HTTP. */
export function registerCommandRoutes(http: FastifyServer, deps: RolloutDeps): void {
  const { store } = deps;

  http.post(
    "/commands",
    {
      config: { scope: "commands:write" },
      schema: {
        summary: "Queue a command, for one agent or for many",
        description: `Answers when it is stored; it is dispatched at once, or when its agent connects. With \`agentId\`, one command.
With \`fleetId\` or \`selector\`, a rollout: a command for each agent that can do it (202 with \`rolloutId\`); with
\`pick: "one"\`, one command for the least loaded of them; with \`dryRun\`, nothing but the answer to whom it would reach
(200). ${refusals(
          errors.agent_unknown,
          errors.idempotency_key_reused,
          errors.invalid_parameters,
          errors.unknown_type,
          errors.no_targets,
          errors.too_many_targets,
          errors.no_agent_available,
        )}`,
        tags: ["commands"],
        body: CommandRequestSchema,
        response: {
          200: DryRunSchema,
          202: Type.Union([QueuedSchema, RolloutAcceptedSchema]),
        },
      },
    },
    async (request, reply) => {
      const answer = await requestCommands(deps, request.principal, request.body, request.traceparent?.header ?? null);
      switch (answer.kind) {
        case "command": {
          const { commandId, status, agentId } = answer;
          // The one line of each command at `info`: who asks what became of it has its id from here on.
          request.log = request.log.child({ commandId, agentId });
          const picked = request.body.agentId === undefined ? { agentId } : {};
          return reply
            .code(202)
            .header("location", `/commands/${commandId}`)
            .send({ commandId, status, ...picked });
        }
        case "rollout": {
          const { rolloutId, status, targets, unable } = answer;
          request.log = request.log.child({ rolloutId });
          return reply
            .code(202)
            .header("location", `/rollouts/${rolloutId}`)
            .send({ rolloutId, status, targets, unable });
        }
        case "dry_run": {
          const { targets, unable, agents } = answer;
          return reply.code(200).send({ dryRun: true as const, targets, unable, agents });
        }
      }
    },
  );

  http.get(
    "/commands",
    {
      config: { scope: "commands:read" },
      schema: {
        summary: "List commands, newest first",
        description: refusals(storeErrors.invalid_cursor),
        tags: ["commands"],
        querystring: ListQuery,
        response: {
          200: Type.Object({
            items: Type.Array(CommandSchema),
            nextCursor: Type.Union([Type.String(), Type.Null()]),
          }),
        },
      },
    },
    async (request) => {
      const { agentId, status, type, limit, cursor } = request.query;
      const page = await store.list({
        companyId: request.principal.companyId,
        ...(agentId === undefined ? {} : { agentId }),
        ...(status === undefined ? {} : { statuses: status }),
        ...(type === undefined ? {} : { type }),
        limit: limit ?? 50,
        cursor: cursor ?? null,
      });
      return { items: page.items.map((command) => viewCommand(command, null)), nextCursor: page.nextCursor };
    },
  );

  http.get(
    "/commands/:id",
    {
      config: { scope: "commands:read" },
      schema: {
        summary: "One command, with its result",
        description: refusals(errors.command_unknown),
        tags: ["commands"],
        params: CommandIdParams,
        response: { 200: CommandSchema },
      },
    },
    async (request) => {
      const found = await findCommandWithOutput(store, request.principal, request.params.id, shownOutputBytes);
      return viewCommand(found.command, found.output);
    },
  );

  http.post(
    "/commands/:id/cancel",
    {
      config: { scope: "commands:write" },
      schema: {
        summary: "Cancel a command",
        description: `200: it was queued and is cancelled. 202: it is with its agent, which was asked to end it. ${refusals(
          errors.command_unknown,
          errors.command_ended,
        )}`,
        tags: ["commands"],
        params: CommandIdParams,
        response: {
          200: CommandSchema,
          202: CommandSchema,
        },
      },
    },
    async (request, reply) => {
      const answer = await cancelCommand(deps, request.principal, request.params.id);
      const { commandId, agentId } = answer.command;
      request.log = request.log.child({ commandId, agentId });
      return reply.code(answer.kind === "cancelled" ? 200 : 202).send(viewCommand(answer.command, null));
    },
  );
}
