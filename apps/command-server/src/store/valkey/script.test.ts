import { describe, expect, test } from "vitest";
import { defaultStoreSettings } from "../settings.ts";
import { composeScript, type Script } from "./script.ts";

const compose = (lua: string, kind: Script["kind"] = "settle") =>
  composeScript({ name: "test", kind, lua }, defaultStoreSettings);

describe("a script", () => {
  test("gets the parts that it uses, with what these use, before them", () => {
    const { text } = compose("return save(st)");
    const places = ["local time", "local function iso", "local function save", "return save(st)"].map((part) =>
      text.indexOf(part),
    );
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(text).not.toContain("local function append");
  });

  test("gets the settings that its parts use as constants", () => {
    expect(compose("finish(st, 'failed')").text).toContain("local RECORD_TTL = 604800000\n");
    expect(compose("return 1").text).not.toContain("RECORD_TTL");
  });

  test("says whether it may run at maxmemory", () => {
    const kinds = ["read", "intake", "settle"] as const;
    const first = kinds.map((kind) => compose("return 1", kind).text.split("\n")[0]);
    expect(first).toEqual(["#!lua flags=no-writes", "#!lua", "#!lua flags=allow-oom"]);
  });

  test("has the digest that the server gives its text", () => {
    const { sha, text } = compose("return 1");
    expect(sha).toMatch(/^[0-9a-f]{40}$/);
    expect(compose("return 1")).toEqual({ name: "test", sha, text });
    expect(compose("return 2").sha).not.toBe(sha);
  });
});
