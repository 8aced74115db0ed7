import { Readable } from "node:stream";
import { FleetwireError, type FastifyServer } from "@fleetwire/service";
import { Type } from "typebox";
import { errors, refusals } from "../errors.ts";
import { sendEvents, startingWith, type OpenStreams } from "../event-stream.ts";
import type { CommandStore, StoredOutput } from "../store/command-store.ts";
import { findCommand, unknownCommand } from "./find-command.ts";
import { followEvents, parseEventId } from "./follow-events.ts";
import { outputReadBytes, readPieces, type OutputRange } from "./output.ts";
import { CommandIdParams } from "./routes.ts";

export interface OutputDeps {
  store: CommandStore;
  streams: OpenStreams;
  heartbeatMs: number;
  stallMs: number;
}

const Query = Type.Object({
  stream: Type.Optional(Type.Enum(["stdout", "stderr"], { description: "Default: both, in arrival order." })),
  from: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: "First byte wanted, counted over both streams.",
    }),
  ),
  follow: Type.Optional(
    Type.Boolean({ default: false, description: "Answer with text/event-stream until the command has ended." }),
  ),
});

const Headers = Type.Object({ "last-event-id": Type.Optional(Type.String({ maxLength: 64 })) });

const description = `What is kept of the output: all of it, or its first and last part.

Headers: \`X-Output-Length\` is the length as produced so far (the \`from\` to go on with), \`X-Output-Truncated\` says
whether bytes are missing, \`X-Output-Attempt\` which run it is of.

With \`follow=true\` an event stream: \`state\` (the command), \`output\` ({ offset, bytes, stream, encoding, data }, with
encoding \`utf8\`, or \`base64\` where the bytes aren't UTF-8), \`gap\` ({ offset, bytes } that aren't kept), \`end\` (the
command) and, where it can't go on, \`problem\`. Ids are resumed from by \`Last-Event-ID\`. A comment every 15 s says that
the connection lives.

${refusals(errors.command_unknown, errors.too_many_streams)}`;

/** A command's output: what is stored, or followed as it comes. */
export function registerOutputRoutes(http: FastifyServer, deps: OutputDeps): void {
  const { store, streams } = deps;
  http.get(
    "/commands/:id/output",
    {
      config: { scope: "commands:read" },
      schema: {
        summary: "A command's output",
        description,
        tags: ["commands"],
        produces: ["text/plain", "text/event-stream"],
        params: CommandIdParams,
        querystring: Query,
        headers: Headers,
      },
    },
    async (request, reply) => {
      const { companyId } = request.principal;
      const { from = 0, stream = null, follow = false } = request.query;
      if (!follow) {
        const { commandId } = await findCommand(store, request.principal, request.params.id);
        const first = await store.readOutput(companyId, commandId, from, outputReadBytes);
        if (first === null) return unknownCommand(commandId);
        return reply
          .type("text/plain; charset=utf-8")
          .headers({
            "x-content-type-options": "nosniff",
            "x-output-length": first.end,
            "x-output-truncated": String(first.truncated),
            "x-output-attempt": first.attempt,
          })
          .send(Readable.from(storedBytes(store, { companyId, commandId, stream }, first), { objectMode: false }));
      }
      const signal = streams.open(reply.raw);
      if (signal === null) throw new FleetwireError(errors.too_many_streams, undefined, { retryAfterMs: 5_000 });
      const resumed = parseEventId(request.headers["last-event-id"]);
      const output = resumed ?? { from, attempt: null };
      const commandId = request.params.id;
      const events = followEvents(store, { companyId, commandId, output, signal }, stream);
      // An unknown command is refused before the stream begins.
      const first = await events.next();
      await sendEvents(reply, startingWith(first, events), {
        signal,
        heartbeatMs: deps.heartbeatMs,
        stallMs: deps.stallMs,
      });
      return reply;
    },
  );
}

async function* storedBytes(store: CommandStore, range: OutputRange, first: StoredOutput): AsyncGenerator<Buffer> {
  for await (const piece of readPieces(store, range, first)) yield piece.data;
}
