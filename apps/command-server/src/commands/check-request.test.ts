import { FleetwireError } from "@fleetwire/service";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkRequest } from "./check-request.ts";

const now = new Date("2026-11-22T10:00:00.000Z");

function refusal(body: unknown): { code: string; paths: string[] } | null {
  try {
    checkRequest(body, now);
    return null;
  } catch (error) {
    if (!(error instanceof FleetwireError)) throw error;
    return { code: error.code, paths: (error.violations ?? []).map(({ path }) => path) };
  }
}

const labels = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`label${n}`, ""]));

const valid = { agentId: "web-1", command: "uptime" };

describe("a request is taken", () => {
  test.each<[string, object]>([
    ["with the least that is needed", valid],
    [
      "with everything",
      {
        ...valid,
        args: ["-p"],
        timeoutSeconds: 86_400,
        priority: 10,
        idempotencyKey: "k".repeat(255),
        idempotent: true,
        expiresAt: "2026-12-22T09:59:59+00:00",
        allowUnknownAgent: true,
        retry: { maxAttempts: 2, on: ["timeout"] },
      },
    ],
    ["for a fleet", { fleetId: "web", command: "uptime", maxConcurrency: 1, maxErrors: 0, dryRun: false }],
    ["for every agent", { selector: {}, command: "uptime", allowUnknownAgent: false }],
    [
      "for agents of many properties",
      {
        selector: { fleet: "", labels: labels(16), capabilities: ["SCAN"], online: false },
        pick: "one",
        command: "id",
      },
    ],
    ["with a command of exactly 128 KiB", { ...valid, command: "x".repeat(128 * 1024) }],
  ])("%s", (_what, body) => {
    expect(refusal(body)).toBeNull();
  });
});

describe("a request is refused, with the place of what is wrong", () => {
  test.each<[string, object, string]>([
    ["an agent id that could be an option", { agentId: "-rf" }, "body/agentId"],
    ["an agent id with a path in it", { agentId: "../x" }, "body/agentId"],
    ["an agent id that is too long", { agentId: "a".repeat(129) }, "body/agentId"],
    ["a type in lower case", { type: "shell" }, "body/type"],
    ["an empty command", { command: "" }, "body/command"],
    ["a command over 128 KiB, counted in bytes", { command: "é".repeat(64 * 1024 + 1) }, "body/command"],
    ["a NUL in the command", { command: "a\0b" }, "body/command"],
    ["half of a surrogate pair in an argument", { args: ["\udc00"] }, "body/args/0"],
    ["too many arguments", { args: Array.from({ length: 1025 }, () => "") }, "body/args"],
    ["arguments too long together", { args: ["x".repeat(100_000), "x".repeat(100_000)] }, "body/args"],
    ["parameters that are too large", { parameters: { a: "x".repeat(256 * 1024) } }, "body/parameters"],
    ["parameters that are a list", { parameters: [] }, "body/parameters"],
    ["a timeout of zero", { timeoutSeconds: 0 }, "body/timeoutSeconds"],
    ["a timeout over a day", { timeoutSeconds: 86_401 }, "body/timeoutSeconds"],
    ["a timeout in words", { timeoutSeconds: "30" }, "body/timeoutSeconds"],
    ["a priority over ten", { priority: 11 }, "body/priority"],
    ["a priority below zero", { priority: -1 }, "body/priority"],
    ["an empty idempotency key", { idempotencyKey: "" }, "body/idempotencyKey"],
    ["an idempotency key that is too long", { idempotencyKey: "k".repeat(256) }, "body/idempotencyKey"],
    ["an expiry in the past", { expiresAt: "2026-11-22T09:59:59Z" }, "body/expiresAt"],
    ["an expiry over 30 days ahead", { expiresAt: "2026-12-22T10:00:01Z" }, "body/expiresAt"],
    ["an expiry without a zone", { expiresAt: "2026-11-23T10:00:00" }, "body/expiresAt"],
    ["one attempt called a retry", { retry: { maxAttempts: 1 } }, "body/retry/maxAttempts"],
    ["a reason to retry that isn't one", { retry: { maxAttempts: 2, on: ["never"] } }, "body/retry/on/0"],
  ])("%s", (_what, part, path) => {
    const refused = refusal({ ...valid, ...part });
    expect(refused?.code).toBe("invalid_request");
    expect(refused?.paths).toContain(path);
  });

  test("a company that someone would like to be of", () => {
    expect(refusal({ ...valid, companyId: "other" })?.code).toBe("invalid_request");
  });

  test.each<[string, object, string]>([
    ["no target", {}, "body"],
    ["two targets", { agentId: "web-1", fleetId: "web" }, "body"],
    ["three targets", { agentId: "web-1", fleetId: "web", selector: {} }, "body"],
    ["an empty fleet", { fleetId: "" }, "body/fleetId"],
    ["a fleet with a NUL in it", { fleetId: "a\0b" }, "body/fleetId"],
    ["a selector of something unknown", { selector: { zone: "a" } }, "body/selector"],
    ["a label that isn't text", { selector: { labels: { zone: 1 } } }, "body/selector/labels/zone"],
    ["a label without a name", { selector: { labels: { "": "a" } } }, "body/selector/labels"],
    ["a label of two lines that isn't text", { selector: { labels: { "a\nb": 1 } } }, "body/selector/labels/a\nb"],
    ["a label whose name is too long", { selector: { labels: { ["a".repeat(129)]: "" } } }, "body/selector/labels"],
    ["a label that is too long", { selector: { labels: { zone: "a".repeat(129) } } }, "body/selector/labels/zone"],
    ["too many labels", { selector: { labels: labels(17) } }, "body/selector/labels"],
    ["a capability that isn't a type", { selector: { capabilities: ["scan"] } }, "body/selector/capabilities/0"],
    ["unknown agents of a fleet", { fleetId: "web", allowUnknownAgent: true }, "body/allowUnknownAgent"],
    ["a bound for one agent", { agentId: "web-1", maxConcurrency: 1 }, "body/maxConcurrency"],
    ["errors of one agent", { agentId: "web-1", maxErrors: 0 }, "body/maxErrors"],
    ["a pick of one agent", { agentId: "web-1", pick: "one" }, "body/pick"],
    ["a dry run of one agent", { agentId: "web-1", dryRun: true }, "body/dryRun"],
    ["a pick with a bound", { fleetId: "web", pick: "one", maxConcurrency: 2 }, "body/maxConcurrency"],
    ["a pick of two", { fleetId: "web", pick: "two" }, "body/pick"],
    ["no room at all", { fleetId: "web", maxConcurrency: 0 }, "body/maxConcurrency"],
    ["fewer errors than none", { fleetId: "web", maxErrors: -1 }, "body/maxErrors"],
  ])("%s", (_what, target, path) => {
    const refused = refusal({ command: "uptime", ...target });
    expect(refused?.code).toBe("invalid_request");
    expect(refused?.paths).toContain(path);
  });
});

test("whatever a body holds, it is taken or refused, and nothing else happens", () => {
  const field = fc.constantFrom(
    "agentId",
    "fleetId",
    "selector",
    "maxConcurrency",
    "maxErrors",
    "pick",
    "dryRun",
    "type",
    "command",
    "args",
    "parameters",
    "timeoutSeconds",
    "priority",
    "idempotencyKey",
    "idempotent",
    "expiresAt",
    "allowUnknownAgent",
    "retry",
    "__proto__",
    "constructor",
  );
  const value = fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: "binary" }),
    fc.integer(),
    fc.double(),
    fc.constant(undefined),
  );
  fc.assert(
    fc.property(fc.oneof(fc.dictionary(field, value), fc.jsonValue()), (body) => {
      const refused = refusal(body);
      expect(refused === null || refused.code === "invalid_request").toBe(true);
    }),
    { numRuns: 1_000 },
  );
});
