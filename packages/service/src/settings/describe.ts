import { redacted, scrub } from "../redaction.ts";
import { formatDuration } from "./duration.ts";
import { fileKey } from "./load.ts";
import type { SettingSpec } from "./spec.ts";

/** One row of a README's table or of `--help`. */
export interface SettingDescription {
  name: string;
  env: readonly string[];
  /** `--name`; null where there is none. */
  flag: string | null;
  /** Path in the file. */
  key: string;
  /** As it is written; null where there is none. */
  default: string | null;
  expected: string;
  required: boolean;
  secret: boolean;
  doc: string;
}

type Specs = Readonly<Record<string, SettingSpec<unknown>>>;

/** What can be set, in the order of declaration. */
export function describeSettings(specs: Specs): SettingDescription[] {
  return Object.entries(specs).map(([name, spec]) => ({
    name,
    env: spec.env,
    flag: spec.flag === undefined ? null : `--${spec.flag}`,
    key: fileKey(name, specs),
    default: spec.secret && spec.defaultText !== undefined ? redacted : (spec.defaultText ?? null),
    expected: spec.expected,
    required: spec.defaultText === undefined && !spec.optional,
    secret: spec.secret,
    doc: spec.doc,
  }));
}

/** The text of `--help`: each setting's flag, variables (a secret's `<NAME>_FILE` too), default and meaning, without colours. */
export function settingsHelp(program: string, specs: Specs): string {
  const rows = describeSettings(specs).map((row) => {
    const files = row.secret ? row.env.map((name) => `${name}_FILE`) : [];
    const ways = [row.flag, ...row.env, ...files].filter((way) => way !== null).join(", ");
    const fallback = row.required ? "required" : row.default === null ? "not set" : `default ${row.default}`;
    return `  ${ways || row.key}\n      ${row.doc} (${row.expected}; ${fallback})`;
  });
  return [`Usage: ${program} [settings]`, "", "Precedence: flag, environment, file, default.", "", ...rows, ""].join(
    "\n",
  );
}

/** The loaded values for a log line: secrets as `[redacted]`, credentials in URLs too, durations as they are written. */
export function printableSettings(specs: Specs, settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => {
      const value = settings[name];
      if (value === undefined) return [name, null];
      if (spec.secret) return [name, redacted];
      if (typeof value === "number" && spec.expected.startsWith("a duration")) return [name, formatDuration(value)];
      return [name, typeof value === "string" ? scrub(value) : value];
    }),
  );
}
