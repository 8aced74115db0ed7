import { FleetwireError, type FastifyServer } from "@fleetwire/service";
import { Type, type Static } from "typebox";
import { errors, refusals } from "../errors.ts";
import { sendEvents, type OpenStreams, type StreamEvent } from "../event-stream.ts";
import type { CommandStore, FeedEntry } from "../store/command-store.ts";
import { storeErrors } from "../store/errors.ts";
import { followFeed, type FeedEvent } from "./follow-feed.ts";

export interface FeedDeps {
  store: CommandStore;
  streams: OpenStreams;
  heartbeatMs: number;
  stallMs: number;
}

const Cursor = Type.String({ minLength: 1, maxLength: 512 });

const Query = Type.Object({
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 512, description: "Entries after this one." })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
  follow: Type.Optional(Type.Boolean({ default: false, description: "Answer with text/event-stream, without end." })),
});

const Headers = Type.Object({ "last-event-id": Type.Optional(Type.String({ maxLength: 512 })) });

const EntrySchema = Type.Object(
  {
    cursor: Cursor,
    at: Type.String({ format: "date-time" }),
    kind: Type.String({ description: "`command.<status>`, `agent.connected` or `agent.disconnected`." }),
    agentId: Type.String(),
    commandId: Type.Optional(Type.String()),
    revision: Type.Optional(Type.Integer({ description: "Orders the entries of one command." })),
    data: Type.Object({}, { additionalProperties: true }),
  },
  { title: "Event" },
);

const description = `Every change of a command and every connection of an agent of the company, in commit order, at least
once. Kept 24 hours or a million entries; \`lost\` counts what was removed before it was read. Without a cursor a page
begins with the oldest entry kept, and an event stream with what comes from now on.

With \`follow=true\`: events named by their kind, with the entry as data and its cursor as the id to resume from
(\`Last-Event-ID\`), and \`lost\` ({ count }).

${refusals(storeErrors.invalid_cursor, errors.too_many_streams)}`;

/** The company's feed: read by cursor, or followed. */
export function registerFeedRoutes(http: FastifyServer, deps: FeedDeps): void {
  const { store, streams } = deps;
  http.get(
    "/events",
    {
      config: { scope: "commands:read" },
      schema: {
        summary: "What happened",
        description,
        tags: ["events"],
        produces: ["application/json", "text/event-stream"],
        querystring: Query,
        headers: Headers,
        response: {
          200: Type.Object({
            items: Type.Array(EntrySchema),
            nextCursor: Type.String({ description: "Always there: the feed goes on." }),
            lost: Type.Integer(),
          }),
        },
      },
    },
    async (request, reply) => {
      const { companyId } = request.principal;
      const { cursor, limit = 50, follow = false } = request.query;
      if (!follow) {
        const page = await store.readFeed(cursor ?? null, limit, companyId);
        return { items: page.entries.map(viewEntry), nextCursor: page.cursor, lost: page.lost };
      }
      const begin = request.headers["last-event-id"] ?? cursor;
      // A cursor that isn't ours is refused before the stream begins.
      if (begin !== undefined) await store.readFeed(begin, 1, companyId);
      const signal = streams.open(reply.raw);
      if (signal === null) throw new FleetwireError(errors.too_many_streams, undefined, { retryAfterMs: 5_000 });
      const events = streamEvents(followFeed(store, { companyId, cursor: begin ?? (await store.feedEnd()), signal }));
      await sendEvents(reply, events, { signal, heartbeatMs: deps.heartbeatMs, stallMs: deps.stallMs });
      return reply;
    },
  );
}

async function* streamEvents(events: AsyncIterable<FeedEvent>): AsyncGenerator<StreamEvent> {
  for await (const event of events) {
    if (event.kind === "lost") yield { event: "lost", data: { count: event.count } };
    else yield { event: event.entry.kind, id: event.entry.cursor, data: viewEntry(event.entry) };
  }
}

function viewEntry(entry: FeedEntry): Static<typeof EntrySchema> {
  return {
    cursor: entry.cursor,
    at: entry.at.toISOString(),
    kind: entry.kind,
    agentId: entry.agentId,
    ...(entry.commandId === null ? {} : { commandId: entry.commandId }),
    ...(entry.revision === null ? {} : { revision: entry.revision }),
    data: entry.data,
  };
}
