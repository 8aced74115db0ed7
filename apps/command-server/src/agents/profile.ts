import type { Profile } from "@fleetwire/proto";
import type { JsonObject, JsonValue } from "../commands/command.ts";
import { findUnstorable, isJsonObject } from "../commands/json-text.ts";
import type { AgentProfile } from "../store/command-store.ts";
import * as check from "./field-checks.ts";
import { ProtocolError } from "./protocol-error.ts";

const maxLabels = 64;
const maxTypes = 128;
const maxSchemaBytes = 64 * 1024;
const maxSchemaDepth = 32;
const typePattern = /^[A-Z][A-Z0-9_]{0,63}$/;

/**
 * Checks what an agent says about itself.
 *
 * @throws ProtocolError when it breaks the contract.
 */
export function readProfile(profile: Profile, version: string): AgentProfile {
  const { concurrency } = profile;
  if (concurrency < 1 || concurrency > 1_000) throw new ProtocolError("concurrency isn't 1 to 1000");
  return {
    fleet: check.words(profile.fleet, 128),
    labels: readLabels(profile.labels),
    types: readTypes(profile.types),
    concurrency,
    hostname: check.words(profile.hostname, 255),
    platform: check.words(profile.platform, 64),
    version: check.words(version, 64),
    draining: profile.draining,
  };
}

function readLabels(labels: Profile["labels"]): Record<string, string> {
  const entries = Object.entries(labels);
  if (entries.length > maxLabels) throw new ProtocolError(`${entries.length} labels`);
  for (const [key, value] of entries) {
    if (key === "" || key.length > 128 || value.length > 128)
      throw new ProtocolError("a label isn't 1 to 128 characters");
    if (key === "__proto__") throw new ProtocolError("a label's name can't be used");
  }
  return Object.fromEntries(entries.map(([key, value]) => [check.words(key, 128), check.words(value, 128)]));
}

function readTypes(types: Profile["types"]): AgentProfile["types"] {
  if (types.length > maxTypes) throw new ProtocolError(`${types.length} command types`);
  return types.map(({ type, parametersSchemaJson }) => {
    if (!typePattern.test(type)) throw new ProtocolError("a command type isn't [A-Z][A-Z0-9_]{0,63}");
    return { type, parametersSchema: parametersSchemaJson === "" ? null : readSchema(type, parametersSchemaJson) };
  });
}

function readSchema(type: string, json: string): JsonObject {
  const schema = readJsonObject(json, maxSchemaBytes, maxSchemaDepth);
  if (schema === null) throw new ProtocolError(`the parameters' schema of ${type} isn't a JSON object within bounds`);
  return schema;
}

/** The JSON object that this text is; null when it isn't one, is too large or deep, or can't be stored. */
export function readJsonObject(text: string, maxBytes: number, maxDepth: number): JsonObject | null {
  if (Buffer.byteLength(text) > maxBytes) return null;
  try {
    const value: JsonValue = JSON.parse(text);
    return findUnstorable(value, "", maxDepth) === null && isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}
