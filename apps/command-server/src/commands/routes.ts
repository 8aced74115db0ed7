import type { FastifyServer } from "@fleetwire/service";
import { Type } from "typebox";
import { errors, refusals } from "../errors.ts";
import { storeErrors } from "../store/errors.ts";
import { CommandRequestSchema, agentIdPattern, commandTypePattern } from "./command-request.ts";
import { CommandSchema, CommandStatusSchema, shownOutputBytes, viewCommand } from "./command-view.ts";
import { cancelCommand, findCommandWithOutput } from "./find-command.ts";
import { queueCommand, type QueueingDeps } from "./queue-command.ts";

export const CommandIdParams = Type.Object({ id: Type.String({ description: "commandId" }) });

const QueuedSchema = Type.Object({ commandId: Type.String(), status: CommandStatusSchema });

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
export function registerCommandRoutes(http: FastifyServer, deps: QueueingDeps): void {
  const { store } = deps;

  http.post(
    "/commands",
    {
      config: { scope: "commands:write" },
      schema: {
        summary: "Queue a command",
        description: `Answers when the command is stored; it is dispatched at once, or when its agent connects. ${refusals(
          errors.agent_unknown,
          errors.idempotency_key_reused,
          errors.unsupported,
          errors.invalid_parameters,
          errors.unknown_type,
        )}`,
        tags: ["commands"],
        body: CommandRequestSchema,
        response: {
          202: QueuedSchema,
        },
      },
    },
    async (request, reply) => {
      const queued = await queueCommand(deps, request.principal, request.body, request.traceparent?.header ?? null);
      // The one line of each command at `info`: who asks what became of it has its id from here on.
      request.log = request.log.child({ commandId: queued.commandId, agentId: request.body.agentId });
      return reply.code(202).header("location", `/commands/${queued.commandId}`).send(queued);
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
