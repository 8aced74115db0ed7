import { FleetwireError, hashToken, newToken, type FastifyServer } from "@fleetwire/service";
import { Type, type Static } from "typebox";
import { agentIdPattern } from "../commands/command-request.ts";
import { errors, refusals } from "../errors.ts";
import { newId } from "../new-id.ts";
import type { CommandStore, JoinToken } from "../store/command-store.ts";

const maxTtlSeconds = 30 * 24 * 3600;
const defaultTtlSeconds = 24 * 3600;

const NewTokenSchema = Type.Object(
  {
    fleet: Type.Optional(
      Type.String({ maxLength: 128, pattern: "^[A-Za-z0-9._-]*$", description: "The fleet that it puts agents in." }),
    ),
    agentId: Type.Optional(Type.String({ pattern: agentIdPattern, description: "Good for this agent id alone." })),
    uses: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 1 })),
    ttlSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: maxTtlSeconds, default: defaultTtlSeconds })),
  },
  { additionalProperties: false },
);

const Instant = Type.String({ format: "date-time" });

const TokenSchema = Type.Object({
  tokenId: Type.String(),
  fleet: Type.String(),
  agentId: Type.Optional(Type.String()),
  usesLeft: Type.Integer(),
  createdAt: Instant,
  expiresAt: Instant,
  revokedAt: Type.Optional(Instant),
});

const CreatedSchema = Type.Object({
  ...TokenSchema.properties,
  token: Type.String({ description: "Shown this once: only its hash is stored." }),
});

/** Join tokens, by which agents enrol. */
export function registerJoinTokenRoutes(http: FastifyServer, deps: { store: CommandStore }): void {
  const { store } = deps;

  http.post(
    "/join-tokens",
    {
      config: { scope: "agents:write" },
      schema: {
        summary: "Make a join token",
        tags: ["join tokens"],
        body: NewTokenSchema,
        response: { 201: CreatedSchema },
      },
    },
    async (request, reply) => {
      const { principal, body } = request;
      const token = newToken();
      const stored = await store.createJoinToken({
        tokenId: newId(),
        companyId: principal.companyId,
        tokenHash: hashToken(token),
        fleet: body.fleet ?? "",
        agentId: body.agentId ?? null,
        uses: body.uses ?? 1,
        ttlMs: (body.ttlSeconds ?? defaultTtlSeconds) * 1000,
        createdBy: `${principal.kind}:${principal.id}`,
      });
      return reply
        .code(201)
        .header("cache-control", "no-store")
        .send({ ...viewJoinToken(stored), token });
    },
  );

  http.get(
    "/join-tokens",
    {
      config: { scope: "agents:read" },
      schema: {
        summary: "List join tokens",
        tags: ["join tokens"],
        response: { 200: Type.Object({ items: Type.Array(TokenSchema), nextCursor: Type.Null() }) },
      },
    },
    async (request) => {
      const tokens = await store.listJoinTokens(request.principal.companyId);
      return { items: tokens.map(viewJoinToken), nextCursor: null };
    },
  );

  http.delete(
    "/join-tokens/:id",
    {
      config: { scope: "agents:write" },
      schema: {
        summary: "Revoke a join token",
        description: `Agents that enrolled with it stay enrolled. ${refusals(errors.join_token_unknown)}`,
        tags: ["join tokens"],
        params: Type.Object({ id: Type.String({ description: "tokenId" }) }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const known = tokenIdForm.test(id) && (await store.revokeJoinToken(request.principal.companyId, id));
      if (!known) throw new FleetwireError(errors.join_token_unknown);
      return reply.code(204).send(null);
    },
  );
}

const tokenIdForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,35}$/;

function viewJoinToken(token: JoinToken): Static<typeof TokenSchema> {
  return {
    tokenId: token.tokenId,
    fleet: token.fleet,
    ...(token.agentId === null ? {} : { agentId: token.agentId }),
    usesLeft: token.usesLeft,
    createdAt: token.createdAt.toISOString(),
    expiresAt: token.expiresAt.toISOString(),
    ...(token.revokedAt === null ? {} : { revokedAt: token.revokedAt.toISOString() }),
  };
}
