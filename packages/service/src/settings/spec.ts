/** A setting's text, or several where the file has a list. */
export type RawValue = string | readonly string[];

/** One declared setting; environment, flags, file and documentation follow from it. */
export interface SettingSpec<T> {
  /** Environment variables, all of the same meaning; the first is the one that is documented. */
  readonly env: readonly string[];
  /** `--flag`, without the dashes. */
  readonly flag: string | undefined;
  /** Dotted path in the YAML file; undefined: the setting's name in the declaration. */
  readonly key: string | undefined;
  /** One sentence for `--help` and README. */
  readonly doc: string;
  /** The default as text; undefined: there is none. */
  readonly defaultText: string | undefined;
  readonly defaultValue: T | undefined;
  readonly optional: boolean;
  readonly secret: boolean;
  /** True where `--flag` alone means true. */
  readonly isFlag: boolean;
  /** True where several values make one. */
  readonly isList: boolean;
  /** What a value has to look like: "a duration such as 500ms, 30s, 5m, from 1s". */
  readonly expected: string;
  /** Undefined when it isn't as expected. */
  parse(raw: RawValue): T | undefined;
}

export interface SettingOptions<D> {
  env: readonly string[];
  flag?: string;
  key?: string;
  /** Without a default, a setting that isn't `optional` is required. */
  default?: D;
  optional?: boolean;
  doc: string;
  /** Its value is never printed, and may come from the file that `<ENV>_FILE` names. */
  secret?: boolean;
}

/** The setting's type: undefined only where it is optional and has no default. */
export type Declared<T, O> = O extends { optional: true } ? T | undefined : T;

/** What tells one kind of setting from another. */
export interface Kind<T> {
  expected: string;
  parse: (raw: RawValue) => T | undefined;
  isFlag?: boolean;
  isList?: boolean;
}

/** Makes a spec of options and kind. Throws a TypeError when the default isn't as expected. */
export function declare<T, O extends SettingOptions<unknown>>(options: O, kind: Kind<T>): SettingSpec<Declared<T, O>> {
  const defaultRaw = options.default === undefined ? undefined : rawDefault(options.default);
  const defaultValue = defaultRaw === undefined ? undefined : kind.parse(defaultRaw);
  if (defaultRaw !== undefined && defaultValue === undefined) {
    throw new TypeError(`The default of the setting ${options.env[0] ?? options.doc} isn't ${kind.expected}.`);
  }
  const spec: SettingSpec<T> = {
    env: options.env,
    flag: options.flag,
    key: options.key,
    doc: options.doc,
    defaultText: typeof defaultRaw === "string" ? defaultRaw : defaultRaw?.join(","),
    defaultValue,
    optional: options.optional ?? false,
    secret: options.secret ?? false,
    isFlag: kind.isFlag ?? false,
    isList: kind.isList ?? false,
    expected: kind.expected,
    parse: kind.parse,
  };
  return spec;
}

function rawDefault(fallback: unknown): RawValue {
  return Array.isArray(fallback) ? fallback.map(String) : String(fallback);
}
