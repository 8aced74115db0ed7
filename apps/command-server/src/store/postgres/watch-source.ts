import type { CommandStatus } from "../../commands/command.ts";
import type { WatchSource } from "../watch.ts";
import type { Sql } from "./sql.ts";

/** $1 ids: one primary-key lookup each. */
const standing = `SELECT id, status, revision, output_end FROM commands WHERE id = ANY($1::text[])`;

/** Whether readers can see entries that they couldn't at horizon $1. */
const newlyReadable = `
WITH horizon AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS edge)
SELECT h.edge, EXISTS (SELECT FROM feed f WHERE f.xid >= $1::bigint AND f.xid < h.edge) AS grew FROM horizon h`;

/** What `createWatch` looks at. */
export function watchSource(sql: Sql): WatchSource {
  return {
    async standing(ids) {
      const rows = await sql.rows<{ id: string; status: CommandStatus; revision: number; output_end: number }>({
        name: "watch-standing",
        text: standing,
        values: [ids],
      });
      return rows.map(({ id, status, revision, output_end }) => ({ id, status, revision, outputEnd: output_end }));
    },
    async feedMark(since) {
      const [row] = await sql.rows<{ edge: number; grew: boolean }>({
        name: "watch-feed",
        text: newlyReadable,
        values: [since ?? Number.MAX_SAFE_INTEGER],
      });
      return row === undefined ? { mark: since ?? 0, grew: false } : { mark: row.edge, grew: row.grew };
    },
  };
}
