import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLogger } from "@fleetwire/service";
import { startValkey, type TestValkey } from "@fleetwire/testbed";
import { defaultStoreSettings } from "../src/store/settings.ts";
import { connectValkey, type ValkeyConnection } from "../src/store/valkey/connection.ts";
import type { Script } from "../src/store/valkey/script.ts";
import { createValkey, type Valkey } from "../src/store/valkey/valkey.ts";

let server: TestValkey;
let connection: ValkeyConnection;
let valkey: Valkey;

beforeAll(async () => {
  server = await startValkey();
  const log = createLogger({ service: "valkey-lua-test", level: "silent" });
  connection = await connectValkey({ url: server.url }, { name: "test", log });
  valkey = createValkey(connection.redis, "", defaultStoreSettings);
});
afterAll(async () => {
  connection.close();
  await server.close();
});

const replaced = /\ufffd+/g;

const script = (lua: string): Script => ({ name: "test", kind: "read", lua });

describe("the scripts' parts", () => {
  it("write instants as JavaScript does", async () => {
    const iso = script("return iso(tonumber(ARGV[1]))");
    const instant = fc.integer({ min: 0, max: Date.UTC(2400, 0) });
    await fc.assert(
      fc.asyncProperty(instant, async (ms) => {
        expect(await valkey.run<string>(iso, ms)).toBe(new Date(ms).toISOString());
      }),
      { numRuns: 300, examples: [[Date.UTC(2024, 1, 29)], [Date.UTC(2100, 1, 28, 23, 59, 59, 999)], [0]] },
    );
  });

  it("read the server's clock in milliseconds", async () => {
    const before = Date.now();
    const now = await valkey.run<number>(script("return now"));
    expect(now).toBeGreaterThanOrEqual(before - 1);
    expect(now).toBeLessThanOrEqual(Date.now() + 1);
  });

  it("keep valid UTF-8 and replace each byte that is none", async () => {
    const wellFormed = script("return wellFormed(ARGV[1])");
    const text = fc.array(
      fc.oneof(
        fc.string({ unit: "grapheme" }).map((valid) => Buffer.from(valid)),
        fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes)),
        fc.constantFrom(
          ...["c080", "eda080", "f4908080", "e28282ac", "f09f9880", "ff"].map((hex) => Buffer.from(hex, "hex")),
        ),
      ),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(text, async (parts) => {
        const bytes = Buffer.concat(parts);
        const answer = await valkey.runBuffer<Buffer>(wellFormed, bytes);
        const decoded = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(answer);
        // The decoder of the platform replaces some cut sequences as one; what is valid it keeps alike.
        const expected = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
        expect(decoded.replaceAll(replaced, "\ufffd")).toBe(expected.replaceAll(replaced, "\ufffd"));
      }),
      { numRuns: 300 },
    );
  });

  it("rank by priority and then by arrival, exactly, up to 2^48 commands", async () => {
    const rank = script(
      "return string.format('%.0f', rank({ priority = tonumber(ARGV[1]), seq = tonumber(ARGV[2]) }))",
    );
    const of = async (priority: number, seq: number) => Number(await valkey.run<string>(rank, priority, seq));
    expect(await of(10, 2 ** 48 - 1)).toBeLessThan(await of(9, 1));
    expect(await of(0, 2 ** 48 - 2)).toBeLessThan(await of(0, 2 ** 48 - 1));
    expect(Number.isSafeInteger(await of(0, 2 ** 48 - 1))).toBe(true);
  });

  it("are loaded anew into a server that doesn't know them", async () => {
    const one = script("return 'there'");
    expect(await valkey.run(one)).toBe("there");
    await server.command("SCRIPT", "FLUSH");
    expect(await valkey.run(one)).toBe("there");
  });
});
