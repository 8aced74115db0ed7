import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLogger, systemClock } from "@fleetwire/service";
import { Registry } from "prom-client";
import { startValkey, type TestValkey } from "@fleetwire/testbed";
import type { CommandStore } from "../src/store/command-store.ts";
import type { StoreSettings } from "../src/store/settings.ts";
import { createValkeyStore } from "../src/store/valkey-store.ts";
import { describeCommandStore, describeRolloutsOnStore } from "./command-store-conformance.ts";
import { fresh, type BreakableStore, type StoreUnderTest } from "./command-store/fixture.ts";

const log = createLogger({ service: "valkey-store-test", level: "silent" });
let shared: TestValkey;

beforeAll(async () => {
  shared = await startValkey();
});
afterAll(() => shared.close());

async function openOn(
  valkey: TestValkey,
  settings: Partial<StoreSettings> = {},
  prefix = `${fresh("test")}:`,
): Promise<StoreUnderTest> {
  const stores: CommandStore[] = [];
  const connect = async (serverId: string): Promise<CommandStore> => {
    const store = await createValkeyStore({
      target: { url: valkey.url },
      prefix,
      serverId,
      log,
      metrics: new Registry(),
      clock: systemClock,
      settings,
      foreign: null,
    });
    stores.push(store);
    return store;
  };
  const serverId = randomUUID();
  return {
    serverId,
    store: await connect(serverId),
    openSecond: connect,
    close: async () => {
      for (const store of stores) await store.close();
    },
  };
}

async function openBreakable(settings?: Partial<StoreSettings>): Promise<BreakableStore> {
  const own = await startValkey();
  const under = await openOn(own, settings);
  return {
    ...under,
    break: () => own.kill9(),
    mend: () => own.start(),
    close: async () => {
      await under.close();
      await own.close();
    },
  };
}

describeCommandStore("Valkey", (settings) => openOn(shared, settings), openBreakable);
describeRolloutsOnStore("Valkey", (settings) => openOn(shared, settings));

describe("join tokens on Valkey", () => {
  it("make room for new ones when they are gone, without anybody listing them", async () => {
    const prefix = `${fresh("tokens")}:`;
    const under = await openOn(shared, {}, prefix);
    const create = (n: number) =>
      under.store.createJoinToken({
        tokenId: `token-${n}`,
        companyId: "acme",
        tokenHash: `hash-${n}`,
        fleet: "blue",
        agentId: null,
        uses: 1,
        ttlMs: 60_000,
        createdBy: "operator:test",
      });
    for (let n = 0; n < 8; n += 1) await create(n);
    for (let n = 0; n < 8; n += 1) await shared.command("DEL", `${prefix}fw:token:hash-${n}`);
    await create(8);
    expect(await shared.command("HKEYS", `${prefix}fw:tokens:acme`)).toEqual(["token-8"]);
    await under.close();
  });
});
