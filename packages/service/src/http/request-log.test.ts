import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { createLogger } from "../log.ts";
import { LazyChild } from "./request-log.ts";

function recorded(level: string) {
  const lines: Record<string, unknown>[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  return { lines, log: createLogger({ service: "test", level, destination }) };
}

describe("the log of a request", () => {
  it("writes with the fields of each layer, secrets redacted", () => {
    const { lines, log } = recorded("info");
    const request = new LazyChild(log, { requestId: "r1", token: "fwo_1" });
    request.child({ companyId: "acme" }).info({ status: 202 }, "request answered");
    request.warn("odd");
    expect(lines).toMatchObject([
      { level: "info", requestId: "r1", token: "[redacted]", companyId: "acme", status: 202, msg: "request answered" },
      { level: "warn", requestId: "r1", msg: "odd" },
    ]);
    expect(lines[1]).not.toHaveProperty("companyId");
  });

  it("makes no child for a line that isn't written", () => {
    const { lines, log } = recorded("warn");
    let made = 0;
    const counted = new Proxy(log, {
      get(target, name) {
        if (name === "child") made += 1;
        return Reflect.get(target, name) as unknown;
      },
    });
    const request = new LazyChild(counted, { requestId: "r1" });
    request.info("quiet");
    request.debug("quieter");
    expect([made, lines.length]).toEqual([0, 0]);
    request.error("loud");
    request.error("again");
    expect([made, lines.length]).toEqual([1, 2]);
  });
});
