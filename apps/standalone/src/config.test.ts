import { expect, test } from "vitest";
import { loadStandaloneSettings, serverEnvironment, withValkey } from "./config.ts";

function privateValkey(env: Record<string, string>, argv: string[] = []) {
  return loadStandaloneSettings(argv, env).privateValkey;
}

test("a Valkey is started when it is the store and nothing says which", () => {
  expect(privateValkey({})).toBeNull();
  expect(privateValkey({ COMMAND_STORE: "postgres" })).toBeNull();
  expect(privateValkey({ COMMAND_STORE: "valkey" })).toEqual({ program: null });
  expect(privateValkey({}, ["--store", "valkey"])).toEqual({ program: null });
  expect(privateValkey({ COMMAND_STORE: "valkey", VALKEY_URL: "" })).toEqual({ program: null });
  expect(privateValkey({ COMMAND_STORE: "valkey", REDIS_SERVER_BIN: "/opt/valkey-server" })).toEqual({
    program: "/opt/valkey-server",
  });
});

test.each([
  "VALKEY_URL",
  "VALKEY_URL_FILE",
  "VALKEY_HOST",
  "VALKEY_PORT",
  "VALKEY_SENTINELS",
  "REDIS_URL",
  "REDIS_URL_FILE",
  "REDIS_HOST",
  "REDIS_SENTINELS",
])("with %s set none is started, and the server reads it", (name) => {
  expect(privateValkey({ COMMAND_STORE: "valkey", [name]: "there" })).toBeNull();
  expect(serverEnvironment({ [name]: "there" })[name]).toBe("there");
});

test("a store that there isn't is refused", () => {
  expect(() => privateValkey({ COMMAND_STORE: "redis" })).toThrow(/COMMAND_STORE.*postgres.*valkey/);
});

test("the server gets the started Valkey's URL, and nothing that opens another", () => {
  const given = { VALKEY_PASSWORD: "x", VALKEY_TLS_CA: "/ca.pem", VALKEY_URL: "", VALKEY_DB: "2", REDIS_PASSWORD: "y" };
  expect(withValkey(given, "redis://:own@127.0.0.1:4711")).toEqual({
    VALKEY_URL: "redis://:own@127.0.0.1:4711",
    VALKEY_DB: "2",
    REDIS_PASSWORD: "y",
  });
});
