import { describe, expect, test } from "vitest";
import { createKeys, luaKeys } from "./keys.ts";

describe("key names", () => {
  test("are the documented ones where no prefix is set", () => {
    const keys = createKeys("");
    expect(keys.record("7f3")).toBe("command:queue:7f3");
    expect(keys.state("7f3")).toBe("command:status:7f3");
    expect(keys.listed("a1", "7f3")).toBe("agent:a1:command:list:7f3");
    expect(keys.result("7f3")).toBe("cmd:result:7f3");
  });

  test("begin with the prefix, whole", () => {
    expect(createKeys("{cell-3}:").queued("a1", "work", "acme")).toBe("{cell-3}:fw:queued:a1:work:acme");
    expect(createKeys("{cell-3}:").feed()).toBe("{cell-3}:fw:feed");
  });

  test("are the same for scripts, and only those that a script uses", () => {
    expect(luaKeys("local x = K.queued(a, b, c) .. K.feed()")).toBe(
      [
        "local K = {}",
        "function K.queued(id0, id1, id2) return P .. 'fw:queued:' .. id0 .. ':' .. id1 .. ':' .. id2 end",
        "function K.feed() return P .. 'fw:feed' end",
        "",
      ].join("\n"),
    );
    expect(luaKeys("return 1")).toBe("");
  });
});
