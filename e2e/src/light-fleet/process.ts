// A process of light agents. Its parent adds fleets and asks how they are, over the IPC channel; when the parent is
// gone, so is this.
import { createLightFleet, type LightFleet, type LightFleetOptions } from "./light-fleet.ts";
import type { LightFleetStats } from "./stats.ts";

export type LightRequest =
  { kind: "add"; options: LightFleetOptions } | { kind: "stats"; fleet: number } | { kind: "close"; fleet: number };

export type LightAnswer = { fleet: number; stats: LightFleetStats } | { error: string };

const fleets: LightFleet[] = [];

async function answer(request: LightRequest): Promise<LightAnswer> {
  if (request.kind === "add") {
    const added = await createLightFleet(request.options);
    return { fleet: fleets.push(added) - 1, stats: added.stats };
  }
  const fleet = fleets[request.fleet];
  if (fleet === undefined) return { error: `no fleet ${request.fleet}` };
  if (request.kind === "close") fleet.close();
  return { fleet: request.fleet, stats: fleet.stats };
}

process.on("message", ({ id, request }: { id: number; request: LightRequest }) => {
  void answer(request)
    .catch((error: unknown): LightAnswer => ({ error: String(error) }))
    .then((given) => process.send?.({ id, answer: given }));
});
process.on("disconnect", () => process.exit(0));
