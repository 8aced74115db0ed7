import { readFileSync } from "node:fs";
import type { SettingSpec } from "./spec.ts";

export interface EnvironmentValue {
  raw: string;
  /** The variable. */
  where: string;
}

/**
 * What the environment says about a setting; null when nothing. An empty variable counts as unset. A secret may be in
 * the file that `<NAME>_FILE` names (one line break at its end isn't part of it). Two names with different values, or
 * a file that can't be read, are a problem: the sentence names variables, never values.
 */
export function readEnvironment(
  spec: SettingSpec<unknown>,
  env: Readonly<Record<string, string | undefined>>,
): { value: EnvironmentValue | null; problem: string | null } {
  const found: EnvironmentValue[] = [];
  for (const name of spec.env) {
    const raw = env[name];
    if (raw !== undefined && raw !== "") found.push({ raw, where: name });
    const file = spec.secret ? env[`${name}_FILE`] : undefined;
    if (file === undefined || file === "") continue;
    try {
      found.push({ raw: readFileSync(file, "utf8").replace(/\r?\n$/, ""), where: `${name}_FILE` });
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
      return { value: null, problem: `${name}_FILE: the file can't be read (${code})` };
    }
  }
  const [first] = found;
  const other = found.find(({ raw }) => raw !== first?.raw);
  if (first === undefined) return { value: null, problem: null };
  if (other === undefined) return { value: first, problem: null };
  return { value: null, problem: `${first.where} and ${other.where} mean the same setting and have different values` };
}
