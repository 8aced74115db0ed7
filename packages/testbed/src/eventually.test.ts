import { expect, test } from "vitest";
import { eventually } from "./eventually.ts";

test("gives the first truthy value", async () => {
  const values = [undefined, 0, null, "ready", "later"];
  expect(await eventually(() => values.shift(), { deadlineMs: 1_000, intervalMs: 1 })).toBe("ready");
  expect(values).toEqual(["later"]);
});

test("goes on after an error", async () => {
  let calls = 0;
  const value = await eventually(
    async () => {
      calls += 1;
      if (calls < 3) throw new Error("not yet");
      return calls;
    },
    { deadlineMs: 1_000, intervalMs: 1 },
  );
  expect(value).toBe(3);
});

test("says at the deadline what it waited for and the last value it saw", async () => {
  const wait = eventually(() => null, { deadlineMs: 30, what: "agent a1 online" });
  await expect(wait).rejects.toThrow("agent a1 online: not within 30 ms; last value: null");
});

test("says at the deadline the last error and keeps it as the cause", async () => {
  const refused = new Error("connection refused");
  const failure = await eventually(
    () => {
      throw refused;
    },
    { deadlineMs: 30 },
  ).catch((error: unknown) => error);
  expect(failure).toMatchObject({ cause: refused, message: expect.stringContaining("connection refused") });
});

test("keeps its deadline while a call hangs", async () => {
  const wait = eventually(() => new Promise<never>(() => {}), { deadlineMs: 30 });
  await expect(wait).rejects.toThrow("no call came to an end");
});
