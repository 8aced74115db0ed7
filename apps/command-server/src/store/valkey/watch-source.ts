import type { WatchSource } from "../watch.ts";
import { parseState } from "./record.ts";
import type { Valkey } from "./valkey.ts";

/** What `createWatch` looks at. */
export function watchSource(valkey: Valkey): WatchSource {
  return {
    async standing(ids) {
      const texts = await valkey.command<(string | null)[]>("MGET", ...ids.map((id) => valkey.keys.state(id)));
      return texts.flatMap((text) => {
        const state = parseState(text);
        if (state === null) return [];
        const { command_id: id, status, revision, output_end: outputEnd = 0 } = state;
        return [{ id, status, revision, outputEnd }];
      });
    },
    async feedMark(since) {
      const mark = Number((await valkey.command<string | null>("GET", valkey.keys.feedNumber())) ?? 0);
      return { mark, grew: mark !== since };
    },
  };
}
