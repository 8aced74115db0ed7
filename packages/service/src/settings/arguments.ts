import { didYouMean } from "./near-name.ts";
import type { RawValue, SettingSpec } from "./spec.ts";

export interface ParsedArguments {
  /** By the setting's name. */
  values: Map<string, RawValue>;
  problems: string[];
}

/** Reads `--name value`, `--name=value`, `--name` and `--no-name`. Anything else is a problem. */
export function parseArguments(
  specs: Readonly<Record<string, SettingSpec<unknown>>>,
  argv: readonly string[],
): ParsedArguments {
  const parsed: ParsedArguments = { values: new Map(), problems: [] };
  const byFlag = new Map(
    Object.entries(specs).flatMap(([name, spec]) => (spec.flag ? [[spec.flag, name] as const] : [])),
  );
  const rest = [...argv];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const match = /^--([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\s\S]*))?$/.exec(argument);
    const flag = match?.[1];
    if (flag === undefined) {
      parsed.problems.push(
        `${shown(argument, argv.length - rest.length)}: unexpected; settings are written --name value`,
      );
      continue;
    }
    take(flag, match?.[2], rest);
  }
  return parsed;

  function take(flag: string, inline: string | undefined, following: string[]): void {
    const plain = byFlag.get(flag);
    const negated = flag.startsWith("no-") ? byFlag.get(flag.slice(3)) : undefined;
    const name = plain ?? negated;
    const spec = name === undefined ? undefined : specs[name];
    if (name === undefined || spec === undefined || (plain === undefined && !spec.isFlag)) {
      const known = [...byFlag.keys()];
      parsed.problems.push(`--${flag}: no such flag${didYouMean(flag, known).replace('"', '"--')}`);
      return;
    }
    if (plain === undefined) {
      if (inline === undefined) put(name, spec, "false", flag);
      else parsed.problems.push(`--${flag}: takes no value`);
      return;
    }
    const next = following[0];
    if (inline !== undefined) put(name, spec, inline, flag);
    else if (spec.isFlag) put(name, spec, "true", flag);
    else if (next === undefined || next.startsWith("--")) parsed.problems.push(`--${flag}: expected a value after it`);
    else put(name, spec, following.shift() ?? "", flag);
  }

  function put(name: string, spec: SettingSpec<unknown>, value: string, flag: string): void {
    const before = parsed.values.get(name);
    if (before === undefined) parsed.values.set(name, value);
    else if (spec.isList) parsed.values.set(name, [...split(before), ...split(value)]);
    else parsed.problems.push(`--${flag}: given more than once`);
  }
}

function split(value: RawValue): readonly string[] {
  return typeof value === "string" ? value.split(",") : value;
}

/** An argument that isn't a flag may be a secret that lost its flag: only its place is told. */
function shown(argument: string, place: number): string {
  return /^-[A-Za-z-]{1,40}$/.test(argument) ? argument : `argument ${place}`;
}
