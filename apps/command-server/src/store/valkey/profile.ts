import type { AgentProfile } from "../command-store.ts";
import { cleanJson, cleanText } from "../text.ts";

/** What an agent says about itself, as fields and values of its hash; an empty fleet keeps the one it was enrolled into. */
export function profileFields(profile: AgentProfile): (string | number)[] {
  return [
    ...(profile.fleet === "" ? [] : ["fleet", cleanText(profile.fleet)]),
    "labels",
    cleanJson(profile.labels),
    "types",
    cleanJson(profile.types),
    "concurrency",
    profile.concurrency,
    "hostname",
    cleanText(profile.hostname),
    "platform",
    cleanText(profile.platform),
    "version",
    cleanText(profile.version),
    "draining",
    profile.draining ? "1" : "0",
  ];
}
