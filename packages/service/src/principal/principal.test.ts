import { expect, test } from "vitest";
import { hasScope } from "./principal.ts";
import { bearerToken, hashToken, newToken } from "./token.ts";

const holding = (...scopes: string[]) => ({ kind: "operator", id: "o", companyId: "default", scopes }) as const;

test.each([
  [["commands:write"], "commands:write", true],
  [["commands:*"], "commands:write", true],
  [["*"], "commands:write", true],
  [["commands:read"], "commands:write", false],
  [["agents:*"], "commands:write", false],
  [["command"], "commands:write", false],
  [["commands"], "commands:write", false],
  [[], "commands:write", false],
  [["admin:*"], "admin", false],
])("scopes %j for %s: %s", (scopes, scope, expected) => {
  expect(hasScope(holding(...scopes), scope)).toBe(expected);
});

test("tokens are new each time and recognisable", () => {
  expect(newToken()).toMatch(/^fw_[A-Za-z0-9_-]{43}$/);
  expect(newToken()).not.toBe(newToken());
  expect(hashToken("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test.each([
  ["Bearer abc", "abc"],
  ["bearer  a.b_c-d=", "a.b_c-d="],
  ["Basic abc", null],
  ["Bearer ", null],
  ["Bearer a b", null],
  ["Bearer a\0", null],
  [undefined, null],
])("the header %j holds the token %j", (header, token) => {
  expect(bearerToken(header)).toBe(token);
});
