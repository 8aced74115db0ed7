import { hostname, platform } from "node:os";
import type { ProfileInput } from "@fleetwire/proto";
import type { CommandTypes } from "./commands/prepare.ts";

/** What may change while the agent runs. */
export interface LiveSettings {
  /** Empty: the one that the server has. */
  fleet: string;
  labels: Readonly<Record<string, string>>;
  /** Commands at once, 1–1000. */
  concurrency: number;
  types: CommandTypes;
}

/** What the agent says about itself. */
export function toProfile({ fleet, labels, concurrency, types }: LiveSettings, draining: boolean): ProfileInput {
  return {
    fleet,
    labels: { ...labels },
    types: types.handlers.map(({ type, parametersSchema }) => ({
      type,
      parametersSchemaJson: parametersSchema === null ? "" : JSON.stringify(parametersSchema),
    })),
    concurrency,
    hostname: hostname(),
    platform: platform(),
    draining,
  };
}
