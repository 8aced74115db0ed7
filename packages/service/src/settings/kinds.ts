import { homedir } from "node:os";
import { resolve } from "node:path";
import { formatDuration, parseDuration, type DurationText } from "./duration.ts";
import { declare, type Declared, type RawValue, type SettingOptions, type SettingSpec } from "./spec.ts";

interface Range {
  /** Smallest value allowed. */
  min?: number;
  /** Largest value allowed. */
  max?: number;
}

/** A whole number. */
export function integer<const O extends SettingOptions<number> & Range>(options: O): SettingSpec<Declared<number, O>> {
  return declare(options, {
    expected: `a whole number${rangeText(options, String)}`,
    parse: (raw) => within(options, /^-?\d{1,16}$/.test(one(raw)) ? Number(raw) : Number.NaN, Number.isSafeInteger),
  });
}

/** A number, with or without decimals. */
export function number<const O extends SettingOptions<number> & Range>(options: O): SettingSpec<Declared<number, O>> {
  const decimal = /^-?\d{1,16}(\.\d{1,16})?$/;
  return declare(options, {
    expected: `a number${rangeText(options, String)}`,
    parse: (raw) => within(options, decimal.test(one(raw)) ? Number(raw) : Number.NaN, Number.isFinite),
  });
}

/** A TCP port; 0 takes any free one. */
export function port<const O extends SettingOptions<number>>(options: O): SettingSpec<Declared<number, O>> {
  return declare(options, {
    expected: "a port, 0 to 65535 (0: any free one)",
    parse: (raw) =>
      within({ min: 0, max: 65_535 }, /^\d{1,5}$/.test(one(raw)) ? Number(raw) : Number.NaN, Number.isFinite),
  });
}

/** Milliseconds, written `500ms`, `30s`, `5m`, `24h`, `7d`; `min`, `max` and a numeric default are ms. */
export function duration<const O extends SettingOptions<DurationText | number> & Range>(
  options: O,
): SettingSpec<Declared<number, O>> {
  const fallback = typeof options.default === "number" ? formatDuration(options.default) : options.default;
  const withText: O = fallback === undefined ? options : { ...options, default: fallback };
  return declare<number, O>(withText, {
    expected: `a duration such as 500ms, 30s, 5m${rangeText(options, formatDuration)}`,
    parse: (raw) => within(options, parseDuration(one(raw)) ?? Number.NaN, Number.isSafeInteger),
  });
}

/** A text without NUL; `pattern` is matched as given, `min` and `max` bound its length. */
export function text<const O extends SettingOptions<string> & Range & { pattern?: RegExp }>(
  options: O,
): SettingSpec<Declared<string, O>> {
  const { pattern, min = 1, max = 65_536 } = options;
  const length = options.min === undefined && options.max === undefined ? "" : ` of ${min} to ${max} characters`;
  return declare(options, {
    expected: `a text${length}${pattern === undefined ? "" : ` like ${pattern.source}`}`,
    parse: (raw) => {
      const value = one(raw);
      const fits = value.length >= min && value.length <= max && !value.includes("\0");
      return fits && (pattern === undefined || pattern.test(value)) ? value : undefined;
    },
  });
}

/** A text that is never printed; may come from the file that `<ENV>_FILE` names. */
export function secret<const O extends SettingOptions<string>>(options: O): SettingSpec<Declared<string, O>> {
  return declare<string, O & { secret: true }>(
    { ...options, secret: true },
    { expected: "a text", parse: (raw) => (one(raw) === "" || one(raw).includes("\0") ? undefined : one(raw)) },
  );
}

/** Yes or no: true, yes, on, 1 or false, no, off, 0. As a flag: `--x`, `--no-x`, `--x=false`. */
export function flag<const O extends SettingOptions<boolean>>(options: O): SettingSpec<Declared<boolean, O>> {
  return declare(options, {
    expected: "true or false",
    isFlag: true,
    parse: (raw) => {
      const word = one(raw).toLowerCase();
      if (["true", "yes", "on", "1"].includes(word)) return true;
      return ["false", "no", "off", "0"].includes(word) ? false : undefined;
    },
  });
}

/** One of `values`. */
export function choice<const V extends string, const O extends SettingOptions<V> & { values: readonly V[] }>(
  options: O & { values: readonly V[] },
): SettingSpec<Declared<O["values"][number], O>> {
  const values: readonly O["values"][number][] = options.values;
  return declare<O["values"][number], O>(options, {
    expected: `one of ${values.join(", ")}`,
    parse: (raw) => values.find((value) => value === one(raw)),
  });
}

/** Texts: separated by commas, a sequence in the file, or a flag given several times. Empty ones are dropped. */
export function list<const O extends SettingOptions<readonly string[]>>(
  options: O,
): SettingSpec<Declared<readonly string[], O>> {
  return declare<readonly string[], O>(options, {
    expected: "texts separated by commas",
    isList: true,
    parse: (raw) => {
      const items = typeof raw === "string" ? raw.split(",") : raw;
      return items.map((item) => item.trim()).filter((item) => item !== "");
    },
  });
}

/** A path, made absolute from the working directory; a leading `~/` is the user's home. */
export function path<const O extends SettingOptions<string>>(options: O): SettingSpec<Declared<string, O>> {
  return declare(options, {
    expected: "a path",
    parse: (raw) => {
      const value = one(raw);
      if (value === "" || value.includes("\0")) return undefined;
      return value.startsWith("~/") ? resolve(homedir(), value.slice(2)) : resolve(value);
    },
  });
}

/** The only value; a list where one value belongs reads as one that no kind expects. */
function one(raw: RawValue): string {
  return typeof raw === "string" ? raw : "\0";
}

function within({ min, max }: Range, value: number, isValue: (value: number) => boolean): number | undefined {
  return isValue(value) && value >= (min ?? -Infinity) && value <= (max ?? Infinity) ? value : undefined;
}

function rangeText({ min, max }: Range, show: (value: number) => string): string {
  if (min !== undefined && max !== undefined) return `, ${show(min)} to ${show(max)}`;
  if (min !== undefined) return `, at least ${show(min)}`;
  return max === undefined ? "" : `, at most ${show(max)}`;
}
