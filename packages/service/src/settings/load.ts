import { parseArguments } from "./arguments.ts";
import { readEnvironment } from "./environment.ts";
import { readSettingsFile, type FileValue } from "./file.ts";
import type { RawValue, SettingSpec } from "./spec.ts";

/** What `loadSettings` makes of a declaration. */
export type Settings<S> = { readonly [K in keyof S]: S[K] extends SettingSpec<infer T> ? T : never };

/** Everything that is wrong with the settings, one problem a line; made for the operator's eyes, without secrets. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
  readonly problems: readonly string[];

  constructor(service: string, problems: readonly string[]) {
    super([`${service}: ${problems.length === 1 ? "a setting is" : "settings are"} wrong`, ...problems].join("\n"));
    this.problems = problems;
  }
}

export interface SettingsInput {
  service: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Without the program's name: `process.argv.slice(2)`. */
  argv?: readonly string[];
  /** A YAML file that has to exist. */
  file?: string;
}

/**
 * Reads and checks every declared setting: flag before environment before file before default. Durations come out in
 * milliseconds. Throws SettingsError with all problems at once. `--help` isn't handled: look for it first and print
 * `settingsHelp`.
 */
export function loadSettings<const S extends Readonly<Record<string, SettingSpec<unknown>>>>(
  specs: S,
  input: SettingsInput,
): Settings<S> {
  const names = Object.keys(specs);
  const file =
    input.file === undefined
      ? { values: new Map<string, FileValue>(), problems: [] }
      : readSettingsFile(
          input.file,
          names.map((name) => fileKey(name, specs)),
          input.env,
        );
  const flags = parseArguments(specs, input.argv ?? []);
  const problems = [...file.problems, ...flags.problems];
  const loaded = Object.entries(specs).map(([name, spec]) => {
    const fromEnvironment = readEnvironment(spec, input.env);
    if (fromEnvironment.problem !== null) problems.push(fromEnvironment.problem);
    const key = fileKey(name, specs);
    const fromFile = file.values.get(key);
    const flag = flags.values.get(name);
    const sources: Source[] = [];
    if (flag !== undefined) sources.push({ raw: flag, where: `--${spec.flag ?? name}` });
    if (fromEnvironment.value !== null) sources.push(fromEnvironment.value);
    if (fromFile !== undefined && fromFile.raw !== "")
      sources.push({ raw: fromFile.raw, where: `${fromFile.where}: ${key}` });
    // Each source is checked, also where another one wins: what is wrong now would surprise later.
    const values = sources.map((source) => check(spec, source, problems));
    if (sources.length > 0) return [name, values[0]];
    const isMissing = spec.defaultValue === undefined && !spec.optional && fromEnvironment.problem === null;
    if (isMissing && !mentioned(problems, key)) problems.push(`${howToSet(name, spec)}: required: ${spec.doc}`);
    return [name, spec.defaultValue];
  });
  if (problems.length > 0) throw new SettingsError(input.service, problems);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- entries lose which key has which type
  return Object.fromEntries(loaded) as Settings<S>;
}

interface Source {
  raw: RawValue;
  where: string;
}

/** The setting's path in the file. */
export function fileKey(name: string, specs: Readonly<Record<string, SettingSpec<unknown>>>): string {
  return specs[name]?.key ?? name;
}

function check(spec: SettingSpec<unknown>, { raw, where }: Source, problems: string[]): unknown {
  const value = spec.parse(raw);
  if (value === undefined)
    problems.push(`${where}: expected ${spec.expected}${spec.secret ? "" : `, got ${shown(raw)}`}`);
  return value;
}

function shown(raw: RawValue): string {
  const text = JSON.stringify(raw);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** Whether the file's own problem with this setting has been told. */
function mentioned(problems: readonly string[], key: string): boolean {
  return problems.some((problem) => problem.includes(`: ${key}: `));
}

function howToSet(name: string, spec: SettingSpec<unknown>): string {
  const ways = [spec.env[0], spec.flag === undefined ? undefined : `--${spec.flag}`].filter((way) => way !== undefined);
  return ways.length === 0 ? (spec.key ?? name) : ways.join(" or ");
}
