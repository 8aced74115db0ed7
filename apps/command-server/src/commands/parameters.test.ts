import { describe, expect, test } from "vitest";
import type { JsonObject } from "./command.ts";
import { checkAnnounced, checkBuiltIn } from "./parameters.ts";

function request(
  type: string,
  parameters: JsonObject = {},
  command: string | null = null,
  args: string[] | null = null,
) {
  return { type, parameters, command, args };
}

describe("types that every agent has", () => {
  test.each([
    ["SHELL with a line", request("SHELL", {}, "uptime")],
    ["SHELL with argv", request("SHELL", {}, "ls", ["-l"])],
    ["PING", request("PING")],
    ["FACTS", request("FACTS")],
    ["STOP", request("STOP")],
    ["STOP with a reason", request("STOP", { reason: "test" })],
    ["RESTART with a reason", request("RESTART", { reason: "update" })],
  ])("%s is taken", (_what, typed) => {
    expect(checkBuiltIn(typed)).toEqual([]);
  });

  test.each<[string, ReturnType<typeof request>, string]>([
    ["SHELL without a command", request("SHELL"), "/command"],
    ["PING with parameters", request("PING", { x: 1 }), "/parameters"],
    ["PING with a command", request("PING", {}, "uptime"), "/command"],
    ["STOP with arguments", request("STOP", {}, null, []), "/args"],
    ["STOP with a reason that isn't text", request("STOP", { reason: 1 }), "/parameters/reason"],
    ["RESTART with something else", request("RESTART", { when: "now" }), "/parameters"],
  ])("%s is refused with the path", (_what, typed, path) => {
    expect(checkBuiltIn(typed).map((violation) => violation.path)).toContain(path);
  });
});

describe("types of plug-ins", () => {
  test("any object is taken where the agent announced no schema", () => {
    expect(checkAnnounced(request("SCAN", { anything: [1] }), null)).toEqual([]);
  });

  test("a command is for SHELL alone", () => {
    expect(checkAnnounced(request("SCAN", {}, "uptime"), null).map(({ path }) => path)).toEqual(["/command"]);
  });
});
