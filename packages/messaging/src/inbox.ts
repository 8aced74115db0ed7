import type { Message } from "./message.ts";

/** What an inbox needs of a database client inside a transaction; `pg`'s and this project's fit as they are. */
export interface InboxClient {
  query(statement: { text: string; values: unknown[] }): Promise<{ rows: Record<string, unknown>[] }>;
}

/** Remembers which messages a consumer has handled, in its own database: effects happen once, however often one comes. */
export interface Inbox<C extends InboxClient> {
  /**
   * Runs `work` in a transaction together with the note that the message was handled; when it was handled before,
   * nothing runs. Throws what `work` throws, and then nothing is noted.
   */
  once(message: Pick<Message, "id">, work: (client: C) => Promise<void>): Promise<"handled" | "duplicate">;
  /** The same for a batch: `work` gets those that are new, in their order; it isn't called when none is. */
  onceForAll<M extends Pick<Message, "id">>(
    messages: readonly M[],
    work: (fresh: readonly M[], client: C) => Promise<void>,
  ): Promise<{ duplicates: number }>;
  /** Forgets what was handled longer ago than `olderThanMs`; gives how much. */
  purge(olderThanMs: number): Promise<number>;
}

/** The inbox's table, for a migration of the consumer's own. */
export const inboxTable = `CREATE TABLE IF NOT EXISTS message_inbox (
  consumer text NOT NULL,
  message_id text NOT NULL,
  handled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (consumer, message_id)
);
CREATE INDEX IF NOT EXISTS message_inbox_handled_at ON message_inbox (handled_at);`;

// Sorted, so that two batches with the same ids never wait for each other in a circle.
const note = `INSERT INTO message_inbox (consumer, message_id)
SELECT $1, id FROM unnest($2::text[]) AS id ORDER BY id
ON CONFLICT DO NOTHING RETURNING message_id`;

/**
 * An inbox of one consumer; give each queue and group its own name, since ids are unique within a queue. `transaction` runs its argument in one transaction. Keep notes for at
 * least as long as a message can come again: the longest replay, and the broker's retention.
 */
export function createInbox<C extends InboxClient>(options: {
  consumer: string;
  transaction: <T>(work: (client: C) => Promise<T>) => Promise<T>;
}): Inbox<C> {
  const { consumer, transaction } = options;

  /** Which of these weren't handled before; waits for a transaction that is handling one of them now. */
  async function noteNew(client: C, ids: readonly string[]): Promise<Set<unknown>> {
    const { rows } = await client.query({ text: note, values: [consumer, ids] });
    return new Set(rows.map(({ message_id }) => message_id));
  }

  return {
    once: (message, work) =>
      transaction(async (client) => {
        if ((await noteNew(client, [message.id])).size === 0) return "duplicate";
        await work(client);
        return "handled";
      }),
    onceForAll: (messages, work) =>
      transaction(async (client) => {
        const unseen = await noteNew(client, [...new Set(messages.map(({ id }) => id))]);
        // One that is twice in the batch is handled the first time.
        const fresh = messages.filter(({ id }) => unseen.delete(id));
        if (fresh.length > 0) await work(fresh, client);
        return { duplicates: messages.length - fresh.length };
      }),
    purge: (olderThanMs) =>
      transaction(async (client) => {
        const text = `WITH gone AS (DELETE FROM message_inbox WHERE consumer = $1 AND handled_at < clock_timestamp() - $2 * interval '1 millisecond' RETURNING 1) SELECT count(*)::int AS count FROM gone`;
        const { rows } = await client.query({ text, values: [consumer, olderThanMs] });
        return Number(rows[0]?.["count"] ?? 0);
      }),
  };
}
