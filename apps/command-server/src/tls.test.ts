import { describe, expect, test } from "vitest";
import { isLoopback, refuseClearText } from "./tls.ts";

describe("only this machine reaches", () => {
  test.each(["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]", "::ffff:127.0.0.1"])("%s", (host) => {
    expect(isLoopback(host)).toBe(true);
  });
});

describe("others reach", () => {
  test.each([
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "::ffff:10.0.0.1",
    "example.com",
    "127.example.com",
    "localhost.example.com",
    "",
  ])("%j", (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});

test("clear text is refused beyond loopback, and nothing is with TLS", () => {
  const hosts = [
    { setting: "A", host: "127.0.0.1" },
    { setting: "B", host: "0.0.0.0" },
  ];
  expect(() => refuseClearText(hosts, false)).toThrow("B is 0.0.0.0");
  expect(() => refuseClearText(hosts.slice(0, 1), false)).not.toThrow();
  expect(() => refuseClearText(hosts, true)).not.toThrow();
});
