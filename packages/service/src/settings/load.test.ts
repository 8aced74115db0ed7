import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, expectTypeOf, test } from "vitest";
import { describeSettings, printableSettings, settingsHelp } from "./describe.ts";
import { choice, duration, flag, integer, list, number, path, port, secret, text } from "./kinds.ts";
import { SettingsError, loadSettings } from "./load.ts";
import type { SettingSpec } from "./spec.ts";

const specs = {
  httpPort: port({ env: ["HTTP_PORT"], flag: "port", key: "http.port", default: 3004, doc: "Port of the HTTP API." }),
  pollingInterval: duration({
    env: ["POLLING_INTERVAL"],
    flag: "polling-interval",
    key: "commands.pollingInterval",
    default: "5s",
    min: 100,
    doc: "How often the store is asked.",
  }),
  user: text({
    env: ["RABBITMQ_USER", "RABBITMQ_USERNAME"],
    key: "rabbitmq.user",
    optional: true,
    doc: "Broker user.",
  }),
  password: secret({ env: ["RABBITMQ_PASSWORD"], key: "rabbitmq.password", optional: true, doc: "Broker password." }),
  docs: flag({ env: ["DOCS"], flag: "docs", default: false, doc: "Serves /docs." }),
  store: choice({ env: ["STORE"], flag: "store", values: ["postgres", "valkey"], default: "postgres", doc: "Store." }),
  labels: list({ env: ["LABELS"], flag: "label", default: [], doc: "Labels." }),
} as const;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "settings-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function yaml(content: string): string {
  const file = join(folder, "x.yaml");
  writeFileSync(file, content);
  return file;
}

function problemsOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  throw new Error("The settings were accepted.");
}

const load = (input: { env?: Record<string, string>; argv?: string[]; file?: string }) =>
  loadSettings(specs, { service: "x", env: {}, ...input });

test("a flag goes before the environment, that before the file, that before the default", () => {
  const file = yaml("http:\n  port: 1\n");
  expect(load({}).httpPort).toBe(3004);
  expect(load({ file }).httpPort).toBe(1);
  expect(load({ file, env: { HTTP_PORT: "2" } }).httpPort).toBe(2);
  expect(load({ file, env: { HTTP_PORT: "2" }, argv: ["--port", "3"] }).httpPort).toBe(3);
  expect(load({ file, env: { HTTP_PORT: "" } }).httpPort).toBe(1);
});

test("types follow from the declaration", () => {
  const settings = load({});
  expectTypeOf(settings.httpPort).toEqualTypeOf<number>();
  expectTypeOf(settings.user).toEqualTypeOf<string | undefined>();
  expectTypeOf(settings.store).toEqualTypeOf<"postgres" | "valkey">();
  expectTypeOf(settings.labels).toEqualTypeOf<readonly string[]>();
  expect(settings).toEqual({
    httpPort: 3004,
    pollingInterval: 5_000,
    user: undefined,
    password: undefined,
    docs: false,
    store: "postgres",
    labels: [],
  });
});

test("flags are written --name value, --name=value, --name and --no-name; lists repeat", () => {
  const argv = ["--polling-interval=2m", "--docs", "--store", "valkey", "--label", "a=1", "--label=b=2"];
  expect(load({ argv })).toMatchObject({
    pollingInterval: 120_000,
    docs: true,
    store: "valkey",
    labels: ["a=1", "b=2"],
  });
  expect(load({ env: { DOCS: "yes" }, argv: ["--no-docs"] }).docs).toBe(false);
});

test("all problems are told at once, one a line", () => {
  const file = yaml("http:\n  port: 99999\ncommands:\n  pollingIntervall: 5s\n");
  const argv = ["--prot", "1", "stray", "--store=redis", "--docs", "--docs"];
  const problems = problemsOf(() => load({ file, argv, env: { POLLING_INTERVAL: "5 s" } }));
  expect(problems).toEqual([
    `${file}:4: commands.pollingIntervall: no such setting; did you mean "commands.pollingInterval"?`,
    '--prot: no such flag; did you mean "--port"?',
    "argument 2: unexpected; settings are written --name value",
    "argument 3: unexpected; settings are written --name value",
    "--docs: given more than once",
    `${file}:2: http.port: expected a port, 0 to 65535 (0: any free one), got "99999"`,
    'POLLING_INTERVAL: expected a duration such as 500ms, 30s, 5m, at least 100ms, got "5 s"',
    '--store: expected one of postgres, valkey, got "redis"',
  ]);
  expect(() => load({ file })).toThrow(/^x: settings are wrong\n.*\n.*$/);
});

test("two names of one setting may agree, not differ, and the error shows neither value", () => {
  expect(load({ env: { RABBITMQ_USER: "a", RABBITMQ_USERNAME: "a" } }).user).toBe("a");
  expect(problemsOf(() => load({ env: { RABBITMQ_USER: "ann", RABBITMQ_USERNAME: "bob" } }))).toEqual([
    "RABBITMQ_USER and RABBITMQ_USERNAME mean the same setting and have different values",
  ]);
});

test("a secret may come from a file that a variable names", () => {
  const file = yaml("hunter2\n");
  expect(load({ env: { RABBITMQ_PASSWORD_FILE: file } }).password).toBe("hunter2");
  expect(problemsOf(() => load({ env: { RABBITMQ_PASSWORD_FILE: `${file}.none` } }))).toEqual([
    "RABBITMQ_PASSWORD_FILE: the file can't be read (ENOENT)",
  ]);
  expect(problemsOf(() => load({ env: { RABBITMQ_PASSWORD_FILE: file, RABBITMQ_PASSWORD: "other" } }))).toHaveLength(1);
});

test("a secret's value is in no message, description or printed setting", () => {
  const all = {
    key: secret({ env: ["KEY"], key: "key", default: "hunter2", doc: "A key." }),
    url: text({ env: ["URL"], doc: "A URL.", default: "pg://u:hunter2@h/d" }),
  };
  const loaded = loadSettings(all, { service: "x", env: {} });
  expect(loaded.key).toBe("hunter2");
  expect(JSON.stringify(printableSettings(all, loaded))).not.toContain("hunter2");
  expect(JSON.stringify(describeSettings({ key: all.key }))).not.toContain("hunter2");
  expect(problemsOf(() => loadSettings(all, { service: "x", env: { KEY: "hunter2\0" } }))).toEqual([
    "KEY: expected a text",
  ]);
  const file = yaml("key: [hunter2]\n");
  expect(problemsOf(() => loadSettings(all, { service: "x", env: {}, file })).join()).not.toContain("hunter2");
});

test("a setting without default is required and says how to set it", () => {
  const needed = { server: text({ env: ["SERVER"], flag: "server", doc: "Address of the server." }) };
  expect(problemsOf(() => loadSettings(needed, { service: "agent", env: {} }))).toEqual([
    "SERVER or --server: required: Address of the server.",
  ]);
});

test("the file's texts are interpolated from the environment", () => {
  const file = yaml('http: { port: "${PORT:-8080}" }\nrabbitmq:\n  user: ${WHO}\nlabels: [a, "${B:-b}"]\n');
  const env = { WHO: "me" };
  expect(load({ file, env })).toMatchObject({ httpPort: 8080, user: "me", labels: ["a", "b"] });
  expect(problemsOf(() => load({ file }))).toEqual([
    `${file}:3: rabbitmq.user: the environment variable WHO is not set`,
  ]);
  expect(problemsOf(() => load({ file, env: { WHO: "${YOU}", YOU: "${WHO}" } }))).toEqual([
    `${file}:3: rabbitmq.user: references in a circle: WHO → YOU → WHO`,
  ]);
});

test.each([
  ["labels: *x\n", ":1: labels: *x stands for nothing before it"],
  ["http: [1\n", ":2: "],
  ["http:\n  port: 1\n  port: 2\n", ":3: Map keys must be unique"],
  ["- 1\n", ":1: expected settings by name"],
  ["http: 5\n", ":1: http: expected settings by name"],
  ["user: {a: 1}\n", ":1: user: no such setting"],
  ["rabbitmq: {user: {a: 1}}\n", ":1: rabbitmq.user: expected one value"],
  ["<<: {http: {port: 1}}\n", ":1: <<: no such setting"],
  ["labels: !!js/function x\n", ":1: Unresolved tag"],
  ["rabbitmq: &x {user: *x}\n", ":1: rabbitmq.user: expected one value"],
  ["http: *none\n", ":1: http: *none stands for nothing before it"],
])("the file %j is refused with its line", (content, expected) => {
  const file = yaml(content);
  const problems = problemsOf(() => load({ file }));
  expect(problems.some((problem) => problem.startsWith(`${file}${expected}`))).toBe(true);
});

test("a file nested too deeply to be parsed is refused", () => {
  const file = yaml("[".repeat(50_000));
  expect(problemsOf(() => load({ file }))[0]).toContain(file);
});

test("a YAML bomb of aliases is refused quickly", () => {
  const levels = Array.from(
    { length: 12 },
    (_, level) => `  l${level + 1}: &l${level + 1} [${`*l${level},`.repeat(9)}]\n`,
  );
  const file = yaml(`bomb:\n  l0: &l0 [x]\n${levels.join("")}labels: *l12\n`);
  const began = performance.now();
  expect(problemsOf(() => load({ file })).length).toBeGreaterThan(0);
  expect(performance.now() - began).toBeLessThan(2_000);
});

test("more than a hundred aliases, a missing file and a huge one are refused", () => {
  const many = yaml(`store: &s postgres\nlabels: [${"*s,".repeat(101)}]\n`);
  expect(problemsOf(() => load({ file: many }))).toContain(`${many}:2: labels: more than 100 aliases`);
  expect(problemsOf(() => load({ file: join(folder, "none.yaml") }))).toEqual([
    `${join(folder, "none.yaml")}: can't be read (ENOENT)`,
  ]);
  const huge = yaml(`# ${"x".repeat(1_048_600)}\n`);
  expect(problemsOf(() => load({ file: huge }))).toEqual([`${huge}: larger than 256 KiB`]);
});

test("an empty file and empty values are nothing set", () => {
  expect(load({ file: yaml("") }).httpPort).toBe(3004);
  expect(load({ file: yaml("http:\n  port:\nrabbitmq: ~\n") }).httpPort).toBe(3004);
});

test.each<[string, SettingSpec<unknown>, string[], string[]]>([
  ["integer", integer({ env: ["V"], min: 1, max: 10, doc: "" }), ["1", "10"], ["0", "11", "1.5", "0x5", "1e1", " 5"]],
  ["number", number({ env: ["V"], max: 1, doc: "" }), ["0.5", "-3"], ["1.1", "1e-1", "NaN", "Infinity"]],
  ["port", port({ env: ["V"], doc: "" }), ["0", "65535"], ["65536", "-1", "http"]],
  ["duration", duration({ env: ["V"], max: 60_000, doc: "" }), ["1m", "0"], ["61s", "60", "-5s"]],
  ["text", text({ env: ["V"], pattern: /^[a-z]+$/, doc: "" }), ["abc"], ["ABC", "a\0"]],
  ["flag", flag({ env: ["V"], doc: "" }), ["true", "ON", "0"], ["maybe", "2"]],
])("%s takes what fits and refuses what doesn't", (_kind, spec, good, bad) => {
  for (const V of good) expect(loadSettings({ v: spec }, { service: "x", env: { V } }).v).toBeDefined();
  for (const V of bad)
    expect(problemsOf(() => loadSettings({ v: spec }, { service: "x", env: { V } }))).toHaveLength(1);
});

test("paths become absolute", () => {
  const where = { home: path({ env: ["HOME_DIR"], default: ".fleetwire", doc: "" }) };
  expect(loadSettings(where, { service: "x", env: {} }).home).toBe(resolve(".fleetwire"));
});

test("a default that isn't as expected is a mistake of the declaration", () => {
  expect(() => port({ env: ["P"], default: 70_000, doc: "" })).toThrow("The default of the setting P isn't a port");
});

test("descriptions and help name flags, variables, defaults and meaning", () => {
  expect(describeSettings(specs)[1]).toEqual({
    name: "pollingInterval",
    env: ["POLLING_INTERVAL"],
    flag: "--polling-interval",
    key: "commands.pollingInterval",
    default: "5s",
    expected: "a duration such as 500ms, 30s, 5m, at least 100ms",
    required: false,
    secret: false,
    doc: "How often the store is asked.",
  });
  const help = settingsHelp("fleetwire-x", specs);
  expect(help).toContain("--polling-interval, POLLING_INTERVAL\n      How often the store is asked.");
  expect(help).toContain("RABBITMQ_USER, RABBITMQ_USERNAME\n");
  expect(help).toContain("RABBITMQ_PASSWORD, RABBITMQ_PASSWORD_FILE\n");
});
