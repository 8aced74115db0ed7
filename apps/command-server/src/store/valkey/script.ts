import { createHash } from "node:crypto";
import type { StoreSettings } from "../settings.ts";
import { luaKeys } from "./keys.ts";
import { agentParts } from "./lua/agents.ts";
import { baseParts } from "./lua/base.ts";
import { commandParts } from "./lua/commands.ts";
import { foreignParts } from "./lua/foreign.ts";
import { outputParts } from "./lua/output.ts";
import { reportParts } from "./lua/reports.ts";

/**
 * One atomic step. Its text gets the key prefix as KEYS[1] (a key of the right slot) and everything else as ARGV; it
 * may use what the parts under `lua/` define, by name.
 */
export interface Script {
  name: string;
  /**
   * `read` changes nothing. `intake` is refused when the server is at `maxmemory`; `settle` isn't: these are the steps by
   * which what was accepted comes to its end.
   */
  kind: "read" | "intake" | "settle";
  lua: string;
}

export interface ReadyScript {
  name: string;
  text: string;
  sha: string;
}

const flags = { read: "#!lua flags=no-writes", intake: "#!lua", settle: "#!lua flags=allow-oom" };
const parts: Record<string, string> = {
  ...baseParts,
  ...outputParts,
  ...commandParts,
  ...reportParts,
  ...agentParts,
  ...foreignParts,
};

/** Order of definition: what a part uses stands before it. */
const order = Object.keys(parts);

/** The whole text: flags, settings, and the parts and keys that are used. Pure. */
export function composeScript(script: Script, settings: StoreSettings): ReadyScript {
  const needed = new Set<string>();
  const need = (text: string): void => {
    for (const name of order) {
      if (needed.has(name) || !new RegExp(`\\b${name}\\b`).test(text)) continue;
      needed.add(name);
      need(parts[name] ?? "");
    }
  };
  need(script.lua);
  const definitions = order.filter((name) => needed.has(name)).map((name) => parts[name]?.trim() ?? "");
  const body = [...definitions, script.lua.trim()].join("\n");
  const text = [flags[script.kind], "local P = KEYS[1]", luaKeys(body) + constants(body, settings) + body].join("\n");
  return { name: script.name, text, sha: createHash("sha1").update(text).digest("hex") };
}

/** Settings as upper-case constants, where the text uses them. */
function constants(text: string, settings: StoreSettings): string {
  const values: Record<string, number> = {
    RECORD_TTL: settings.recordTtlMs,
    DEFAULT_EXPIRY: settings.defaultExpiryMs,
    SESSION_TTL: settings.sessionTtlMs,
    HOLDER_TIMEOUT: settings.holderTimeoutMs,
    START_GRACE: settings.startGraceMs,
    TIMEOUT_GRACE: settings.timeoutGraceMs,
    OUTPUT_HEAD: settings.outputHeadBytes,
    OUTPUT_TAIL: settings.outputTailBytes,
    FEED_MAX_AGE: settings.feedMaxAgeMs,
    FEED_MAX_ENTRIES: settings.feedMaxEntries,
  };
  return Object.entries(values)
    .filter(([name]) => text.includes(name))
    .map(([name, value]) => `local ${name} = ${value}\n`)
    .join("");
}
