import { FleetwireError, type FastifyServer } from "@fleetwire/service";
import { Type } from "typebox";
import { errors, refusals } from "../errors.ts";
import { sendEvents, startingWith, type OpenStreams, type StreamEvent } from "../event-stream.ts";
import { storeErrors } from "../store/errors.ts";
import { findRollout, stopRollout } from "./find-rollout.ts";
import { followRollout } from "./follow-rollout.ts";
import type { RolloutDeps } from "./request-commands.ts";
import { retryRollout } from "./retry.ts";
import type { RolloutLooks } from "./rollout-looks.ts";
import type { RolloutMetrics } from "./rollout-metrics.ts";
import {
  RolloutAcceptedSchema,
  RolloutSchema,
  RolloutStatusSchema,
  viewProgress,
  viewRollout,
} from "./rollout-view.ts";

export interface RolloutRouteDeps {
  rollouts: RolloutDeps;
  metrics: RolloutMetrics;
  looks: RolloutLooks;
  streams: OpenStreams;
  heartbeatMs: number;
  stallMs: number;
}

export const RolloutIdParams = Type.Object({ id: Type.String({ description: "rolloutId" }) });

const ListQuery = Type.Object({
  status: Type.Optional(
    Type.Array(RolloutStatusSchema, { maxItems: 4, description: "Any of these: ?status=running&status=halted" }),
  ),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
  cursor: Type.Optional(Type.String({ maxLength: 512 })),
});

const FollowQuery = Type.Object({
  follow: Type.Optional(
    Type.Boolean({ default: false, description: "Answer with text/event-stream until nothing changes any more." }),
  ),
});

const StopBody = Type.Object(
  { cancelRunning: Type.Optional(Type.Boolean({ description: "Ask the agents to end what they run of it." })) },
  { additionalProperties: false },
);

const RetryBody = Type.Object(
  { idempotencyKey: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })) },
  { additionalProperties: false },
);

const followDescription = `With \`follow=true\` an event stream: \`progress\` ({ rolloutId, status, counts }) at once and when
they have changed, at most five a second; \`end\`, with the same data, when the rollout is over and none of its commands is
queued or running any more; where it can't go on, \`problem\`. A comment every 15 s says that the connection lives.`;

/** Reading, following, stopping and retrying rollouts over HTTP; they begin with \`POST /commands\`. */
export function registerRolloutRoutes(http: FastifyServer, deps: RolloutRouteDeps): void {
  const { store } = deps.rollouts;

  http.get(
    "/rollouts",
    {
      config: { scope: "commands:read" },
      schema: {
        summary: "List rollouts, newest first",
        description: refusals(storeErrors.invalid_cursor),
        tags: ["rollouts"],
        querystring: ListQuery,
        response: {
          200: Type.Object({ items: Type.Array(RolloutSchema), nextCursor: Type.Union([Type.String(), Type.Null()]) }),
        },
      },
    },
    async (request) => {
      const { status, limit, cursor } = request.query;
      const page = await store.listRollouts({
        companyId: request.principal.companyId,
        ...(status === undefined ? {} : { statuses: status }),
        limit: limit ?? 50,
        cursor: cursor ?? null,
      });
      return { items: page.items.map(viewRollout), nextCursor: page.nextCursor };
    },
  );

  http.get(
    "/rollouts/:id",
    {
      config: { scope: "commands:read" },
      schema: {
        summary: "One rollout, with its counts",
        description: `${followDescription}\n\n${refusals(errors.rollout_unknown, errors.too_many_streams)}`,
        tags: ["rollouts"],
        produces: ["application/json", "text/event-stream"],
        params: RolloutIdParams,
        querystring: FollowQuery,
        response: { 200: RolloutSchema },
      },
    },
    async (request, reply) => {
      const { principal } = request;
      const rolloutId = request.params.id;
      if (request.query.follow !== true) return viewRollout(await findRollout(store, principal, rolloutId));
      const signal = deps.streams.open(reply.raw);
      if (signal === null) throw new FleetwireError(errors.too_many_streams, undefined, { retryAfterMs: 5_000 });
      const events = progressEvents(deps.looks, { companyId: principal.companyId, rolloutId, signal });
      // An unknown rollout is refused before the stream begins.
      const first = await events.next();
      const { heartbeatMs, stallMs } = deps;
      await sendEvents(reply, startingWith(first, events), { signal, heartbeatMs, stallMs });
      return reply;
    },
  );

  http.post(
    "/rollouts/:id/stop",
    {
      config: { scope: "commands:write" },
      schema: {
        summary: "Stop a rollout",
        description: `Nothing of it is queued after the answer, and its queued commands are cancelled. What its agents run goes on,
unless \`cancelRunning\` asks them to end it; that also works on a rollout that has ended while some still run.
${refusals(errors.rollout_unknown, errors.rollout_ended)}`,
        tags: ["rollouts"],
        params: RolloutIdParams,
        body: Type.Union([StopBody, Type.Null()]),
        response: { 200: RolloutSchema },
      },
    },
    async (request) => {
      const rolloutId = request.params.id;
      request.log = request.log.child({ rolloutId });
      const cancelRunning = request.body?.cancelRunning ?? false;
      const { metrics } = deps;
      const stopping = { store, metrics, log: deps.rollouts.log };
      const { rollout } = await stopRollout(stopping, request.principal, rolloutId, cancelRunning);
      return viewRollout(rollout);
    },
  );

  http.post(
    "/rollouts/:id/retry",
    {
      config: { scope: "commands:write" },
      schema: {
        summary: "Run it again where it failed",
        description: `A new rollout with the same command, over the agents whose command failed, timed out, expired, was never
queued, or was cancelled by the rollout's own end. ${refusals(
          errors.rollout_unknown,
          errors.rollout_running,
          errors.no_targets,
          errors.idempotency_key_reused,
        )}`,
        tags: ["rollouts"],
        params: RolloutIdParams,
        body: Type.Union([RetryBody, Type.Null()]),
        response: { 202: RolloutAcceptedSchema },
      },
    },
    async (request, reply) => {
      const idempotencyKey = request.body?.idempotencyKey;
      const accepted = await retryRollout(deps.rollouts, request.principal, request.params.id, {
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        traceparent: request.traceparent?.header ?? null,
      });
      request.log = request.log.child({ rolloutId: accepted.rolloutId });
      return reply.code(202).header("location", `/rollouts/${accepted.rolloutId}`).send(accepted);
    },
  );
}

async function* progressEvents(
  looks: RolloutLooks,
  o: { companyId: string; rolloutId: string; signal: AbortSignal },
): AsyncGenerator<StreamEvent, void> {
  for await (const { kind, rollout } of followRollout(looks, o)) yield { event: kind, data: viewProgress(rollout) };
}
