import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLogger } from "../log.ts";
import { createTokenFileVerifier } from "./token-file-verifier.ts";
import { ensureTokenFile, readTokenFile, writeTokenFile } from "./token-file.ts";
import { newToken } from "./token.ts";

const operator = { kind: "operator", id: "ops", companyId: "default", scopes: ["*"] } as const;
const lines: string[] = [];
const log = createLogger({ service: "x", destination: { write: (line) => void lines.push(line) } });
const opened: { close(): void }[] = [];
let folder = "";
let file = "";

beforeEach(async () => {
  lines.length = 0;
  folder = await mkdtemp(join(tmpdir(), "tokens-"));
  file = join(folder, "tokens.json");
});
afterEach(async () => {
  for (const verifier of opened.splice(0)) verifier.close();
  await rm(folder, { recursive: true });
});

/** A verifier whose clock stands still until `elapse`: only then does it look at the file on its own. */
async function open() {
  let now = 0;
  const verifier = await createTokenFileVerifier({
    path: file,
    log,
    clock: { now: () => new Date(0), monotonicMs: () => now },
  });
  opened.push(verifier);
  return { verify: (token: string) => verifier.verify(token), elapse: (ms: number) => (now += ms) };
}

test("a token in the file is its principal, any other is nobody", async () => {
  const token = newToken();
  await writeTokenFile(file, [{ ...operator, token }]);
  const { verify } = await open();
  expect(await verify(token)).toEqual(operator);
  expect(await verify(newToken())).toBeNull();
  expect(await verify("")).toBeNull();
});

test("the file holds hashes, is the owner's alone, and nothing else is left beside it", async () => {
  const token = newToken();
  await writeTokenFile(file, [{ ...operator, token }]);
  expect(await readFile(file, "utf8")).not.toContain(token);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(["tokens.json"]);
});

test.each([0o640, 0o604, 0o620, 0o666])("a file of mode %o is refused with the way to mend it", async (mode) => {
  await writeTokenFile(file, []);
  await chmod(file, mode);
  await expect(open()).rejects.toThrow(`run "chmod 600 ${file}"`);
});

test.each([
  ["not json hunter2", "isn't JSON"],
  ['{"tokens":[{"sha256":"hunter2"}]}', "/tokens/0"],
  ["[]", "not as expected"],
  ['{"tokens":[],"extra":"hunter2"}', "not as expected"],
])("the content %s is refused without being quoted", async (content, reason) => {
  await writeFile(file, content, { mode: 0o600 });
  const refused = readTokenFile(file);
  await expect(refused).rejects.toThrow(reason);
  await expect(refused).rejects.not.toThrow("hunter2");
});

test("a missing file is refused by name", async () => {
  await expect(open()).rejects.toThrow(`The token file ${file} can't be read.`);
});

test("a changed file counts within a second: new tokens are good, removed ones aren't", async () => {
  const [first, second] = [newToken(), newToken()];
  await writeTokenFile(file, [{ ...operator, token: first }]);
  const { verify, elapse } = await open();
  await writeTokenFile(file, [{ ...operator, token: second }]);
  elapse(1_000);
  expect(await verify(second)).toEqual(operator);
  expect(await verify(first)).toBeNull();
});

test.each<[string, () => Promise<void>]>([
  ["broken", () => writeFile(file, "{")],
  ["opened to others", () => chmod(file, 0o644)],
  ["deleted", () => rm(file)],
])("a file that was %s meanwhile is logged, and the tokens known before stay good", async (_how, change) => {
  const token = newToken();
  await writeTokenFile(file, [{ ...operator, token }]);
  const { verify, elapse } = await open();
  await change();
  elapse(1_000);
  expect(await verify(token)).toEqual(operator);
  expect(lines.join()).toContain("can't be reloaded");
});

test("of several that ensure the file at once, one makes it and learns the token", async () => {
  const made = await Promise.all(Array.from({ length: 8 }, () => ensureTokenFile(file, operator)));
  const tokens = made.filter((token) => token !== null);
  expect(tokens).toHaveLength(1);
  const { verify } = await open();
  expect(await verify(tokens[0] ?? "")).toEqual(operator);
  expect(await ensureTokenFile(file, operator)).toBeNull();
  expect(await readdir(folder)).toEqual(["tokens.json"]);
});
