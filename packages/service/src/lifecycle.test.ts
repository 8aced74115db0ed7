import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createLifecycle } from "./lifecycle.ts";
import { createLogger } from "./log.ts";

const lines: unknown[] = [];
const log = createLogger({
  service: "x",
  destination: { write: (line) => void lines.push(JSON.parse(line)) },
});

beforeEach(() => {
  lines.length = 0;
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

test("steps run in reverse order, one after the other, each logged with its duration", async () => {
  const lifecycle = createLifecycle({ log });
  const ran: string[] = [];
  lifecycle.onStop("database", () => void ran.push("database"));
  lifecycle.onStop("server", async () => {
    await Promise.resolve();
    ran.push("server");
  });
  expect(await lifecycle.stop("test")).toBe(true);
  expect(ran).toEqual(["server", "database"]);
  expect(lines).toMatchObject([
    { msg: "stopping", reason: "test" },
    { step: "server", durationMs: expect.any(Number) },
    { step: "database", durationMs: expect.any(Number) },
    { msg: "stopped", clean: true },
  ]);
});

test("a failed step is logged and the next one runs", async () => {
  const lifecycle = createLifecycle({ log });
  const database = vi.fn<() => void>();
  lifecycle.onStop("database", database);
  lifecycle.onStop("server", () => {
    throw new Error("port in use");
  });
  expect(await lifecycle.stop("test")).toBe(false);
  expect(database).toHaveBeenCalledOnce();
  expect(lines).toContainEqual(expect.objectContaining({ level: "error", step: "server" }));
});

test("a step that hangs is left behind at the deadline, and those after it are still started", async () => {
  const lifecycle = createLifecycle({ log, deadlineMs: 30_000 });
  const database = vi.fn<() => void>();
  lifecycle.onStop("database", database);
  lifecycle.onStop("hanging", () => new Promise<void>(() => {}));
  const stopped = lifecycle.stop("test");
  await vi.advanceTimersByTimeAsync(29_999);
  expect(database).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(await stopped).toBe(false);
  expect(database).toHaveBeenCalledOnce();
  expect(lines).toContainEqual(
    expect.objectContaining({ step: "hanging", msg: "stop step is over the deadline; left behind" }),
  );
});

test("stopping twice runs the steps once", async () => {
  const lifecycle = createLifecycle({ log });
  const step = vi.fn<() => void>();
  lifecycle.onStop("server", step);
  await Promise.all([lifecycle.stop("a"), lifecycle.stop("b")]);
  expect(step).toHaveBeenCalledOnce();
});

test("the signal is aborted with the reason before the first step", async () => {
  const lifecycle = createLifecycle({ log });
  let seen: unknown;
  lifecycle.onStop("server", () => {
    seen = lifecycle.stopping.reason;
  });
  expect(lifecycle.stopping.aborted).toBe(false);
  await lifecycle.stop("SIGTERM");
  expect(seen).toBe("SIGTERM");
});
