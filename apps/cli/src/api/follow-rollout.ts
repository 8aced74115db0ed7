import type { Client } from "./client.ts";
import { readData, resumeEvents, type ResumeOptions } from "./resume-events.ts";
import { rolloutPath } from "./rollout-client.ts";
import { readProgress, type RolloutProgress } from "./rollout.ts";

/**
 * How far a rollout is: as it is now and as that changes, to its end (`end`). Connections and errors are as with
 * `resumeEvents`.
 */
export async function* followRollout(
  client: Client,
  rolloutId: string,
  options: ResumeOptions = {},
): AsyncGenerator<{ kind: "progress" | "end"; progress: RolloutProgress }> {
  for await (const { event, data } of resumeEvents(client.http, rolloutPath(rolloutId), { follow: "true" }, options)) {
    // A newer server may tell more.
    if (event !== "progress" && event !== "end") continue;
    yield { kind: event, progress: readProgress(readData(data)) };
    if (event === "end") return;
  }
}
