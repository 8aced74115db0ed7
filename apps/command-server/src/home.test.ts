import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger, createTokenFileVerifier } from "@fleetwire/service";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensureOperatorToken, readCliFile, tokenFileIn, writeCliFile } from "./home.ts";

let home: string;
beforeEach(() => {
  home = join(mkdtempSync(join(tmpdir(), "command-server-home-")), "with a space");
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

async function isGood(token: string): Promise<boolean> {
  const log = createLogger({ service: "test", level: "silent" });
  const verifier = await createTokenFileVerifier({ path: tokenFileIn(home), log });
  const principal = await verifier.verify(token);
  verifier.close();
  return principal?.kind === "operator" && principal.scopes.includes("*");
}

describe("the operator's token of a home", () => {
  test("is made at the first start, and only its hash is in the token file", async () => {
    const token = await ensureOperatorToken(home);
    expect(await isGood(token)).toBe(true);
    expect(readFileSync(tokenFileIn(home), "utf8")).not.toContain(token);
    expect(statSync(tokenFileIn(home)).mode & 0o777).toBe(0o600);
  });

  test("stays the same over restarts, by cli.json", async () => {
    const token = await ensureOperatorToken(home);
    await writeCliFile(home, { urls: { commands: "http://x", grpc: "x:1" }, token });
    expect(await ensureOperatorToken(home)).toBe(token);
  });

  test("is replaced by a good one when cli.json is lost", async () => {
    const lost = await ensureOperatorToken(home);
    const token = await ensureOperatorToken(home);
    expect(token).not.toBe(lost);
    expect(await isGood(token)).toBe(true);
  });
});

describe("cli.json", () => {
  test("is for its owner alone and reads back", async () => {
    const content = { urls: { commands: "http://127.0.0.1:1", grpc: "127.0.0.1:2" }, token: "fw_x", joinToken: "fw_y" };
    const path = await writeCliFile(home, content);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await readCliFile(home)).toEqual(content);
  });

  test("that isn't there is none", async () => {
    expect(await readCliFile(home)).toBeNull();
  });
});
