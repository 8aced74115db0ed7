import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeTempDir, tempDir } from "@fleetwire/testbed";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Environment } from "./config.ts";
import { isOpenNetwork, resolveConnection } from "./credentials.ts";

let cwd: string;
const nothing: Environment = { url: null, token: null, home: null, noColor: false, dumbTerminal: false };

beforeEach(() => {
  cwd = tempDir("credentials");
});
afterEach(() => removeTempDir(cwd));

function write(folder: string, content: unknown, mode = 0o600): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "cli.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  chmodSync(path, mode);
  return path;
}

test("a flag beats the environment, which beats the file, for URL and token each", () => {
  const home = join(cwd, "home");
  write(home, { urls: { commands: "http://127.0.0.1:1" }, token: "file-token" });
  const fromFile = resolveConnection({ home }, nothing, cwd);
  expect([fromFile.url.origin, fromFile.token]).toEqual(["http://127.0.0.1:1", "file-token"]);
  const mixed = resolveConnection({ home }, { ...nothing, url: "http://127.0.0.1:2", token: "env-token" }, cwd);
  expect([mixed.url.origin, mixed.token]).toEqual(["http://127.0.0.1:2", "env-token"]);
  const flags = { home, url: "http://127.0.0.1:3", token: "flag-token" };
  const flagged = resolveConnection(flags, { ...nothing, url: "http://127.0.0.1:2", token: "env-token" }, cwd);
  expect([flagged.url.origin, flagged.token]).toEqual(["http://127.0.0.1:3", "flag-token"]);
});

test("without a home, .fleetwire of the current directory is used", () => {
  write(join(cwd, ".fleetwire"), { urls: { commands: "http://127.0.0.1:9" }, token: "here" });
  expect(resolveConnection({}, nothing, cwd).token).toBe("here");
});

test.each([0o644, 0o640, 0o606])("a file of mode %o is refused, with the command that mends it", (mode) => {
  const path = write(join(cwd, ".fleetwire"), { token: "t" }, mode);
  expect(() => resolveConnection({}, nothing, cwd)).toThrow(
    expect.objectContaining({ exitCode: 78, hint: `chmod 600 '${path}'` }),
  );
});

test("a file that isn't JSON is refused without its content in the message", () => {
  write(join(cwd, ".fleetwire"), '{"token": "secret-thing"');
  expect(() => resolveConnection({}, nothing, cwd)).toThrow(/is not JSON$/);
});

test("no token anywhere is exit code 77", () => {
  expect(() => resolveConnection({ home: join(cwd, "none") }, nothing, cwd)).toThrow(
    expect.objectContaining({ exitCode: 77 }),
  );
});

test.each(["ftp://x", "127.0.0.1:3004", "http://u:p@127.0.0.1", "not a url"])("%s is refused as URL", (url) => {
  expect(() => resolveConnection({ url, token: "t" }, nothing, cwd)).toThrow(expect.objectContaining({ exitCode: 64 }));
});

test("a token that would break a header is refused", () => {
  expect(() => resolveConnection({ url: "http://127.0.0.1", token: "a\r\nx: y" }, nothing, cwd)).toThrow(/characters/);
});

test("clear text beyond loopback is recognised", () => {
  const open = ["http://fleet.example", "http://10.0.0.1:3004"].map((url) => isOpenNetwork(new URL(url)));
  const safe = ["http://127.0.0.1", "http://localhost", "http://[::1]:1", "https://a.b"].map((url) =>
    isOpenNetwork(new URL(url)),
  );
  expect([open, safe]).toEqual([
    [true, true],
    [false, false, false, false],
  ]);
});
