import { createLogger, FleetwireError } from "@fleetwire/service";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { storeErrors, unavailable as storeUnavailable } from "../store/errors.ts";
import { StopSignal } from "./stop-signal.ts";
import { backoffMs, untilStored, wasNeverSent } from "./store-retry.ts";

const log = createLogger({ service: "test", level: "silent" });
const unavailable = () => new FleetwireError(storeErrors.store_unavailable);

describe("untilStored", () => {
  it("calls again while the store is out of reach", async () => {
    let calls = 0;
    const call = async (): Promise<string> => {
      calls += 1;
      if (calls < 3) throw unavailable();
      return "stored";
    };
    expect(await untilStored(call, { signal: new StopSignal(), log, what: "result" })).toBe("stored");
    expect(calls).toBe(3);
  });

  it("passes on an error that another call wouldn't mend", async () => {
    let calls = 0;
    const call = (): Promise<never> => {
      calls += 1;
      return Promise.reject(new Error("a bug"));
    };
    await expect(untilStored(call, { signal: new StopSignal(), log, what: "result" })).rejects.toThrow("a bug");
    expect(calls).toBe(1);
  });

  it("gives up when it is told to, also while it waits", async () => {
    const signal = new StopSignal();
    const waiting = untilStored(() => Promise.reject(unavailable()), { signal, log, what: "result" });
    signal.abort();
    await expect(waiting).rejects.toMatchObject({ code: "server_stopping" });
  });
});

describe("wasNeverSent", () => {
  it("is true of what the store refused, and of what couldn't be sent", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    const never = [
      storeUnavailable(new Error("NOREPLICAS Not enough good replicas to write."), "none"),
      storeUnavailable(refused),
      storeUnavailable(new AggregateError([refused, refused])),
      new FleetwireError(storeErrors.store_full),
    ];
    expect(never.map(wasNeverSent)).toEqual(never.map(() => true));
  });

  it("is false of what may have been carried out", () => {
    const perhaps = [storeUnavailable(new Error("Connection is closed.")), new Error("a bug"), "text"];
    expect(perhaps.map(wasNeverSent)).toEqual(perhaps.map(() => false));
  });
});

describe("backoffMs", () => {
  it("is above nothing and never beyond 3 s, for any number of attempts", () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
        const ms = backoffMs(attempt, () => random);
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThanOrEqual(3_000);
      }),
    );
  });
});
