import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readFrame } from "./frames.ts";
import { ProtocolError } from "./protocol-error.ts";

const limits = { maxChunkBytes: 16 };

/** Frames come from outside: the types promise nothing about them. */
function read(message: object) {
  return readFrame(message, "1.0.0", limits);
}

const result = {
  commandId: "c1",
  assignNo: 1,
  attempt: 1,
  outcome: "OUTCOME_EXITED",
  exitCode: 0,
  error: "",
  errorMessage: "",
  durationMs: 5,
  outputBytes: 0,
  tail: [],
  recorded: true,
  startedAgoMs: 5,
  leftRunning: [],
};

const chunk = {
  commandId: "c1",
  attempt: 1,
  droppedBefore: 0,
  offset: 0,
  stream: "STREAM_STDOUT",
  data: Buffer.from("ok"),
};

describe("readFrame", () => {
  it("reads a result", () => {
    const tail = [
      { ...chunk, offset: 3 },
      { ...chunk, offset: 5, stream: "STREAM_STDERR" },
    ];
    expect(read({ result: { ...result, outputBytes: 7, tail } })).toMatchObject({
      kind: "result",
      outcome: "exited",
      error: null,
      tail: [
        { offset: 3, stream: "stdout" },
        { offset: 5, stream: "stderr" },
      ],
    });
  });

  it("takes a frame of a later version for one to be ignored", () => {
    expect(read({})).toEqual({ kind: "unknown" });
  });

  it("cuts what a command left running to what is shown", () => {
    const leftRunning = Array.from({ length: 30 }, (_, pid) => ({ pid, command: `${"x".repeat(300)}\0` }));
    const frame = read({ result: { ...result, leftRunning } });
    expect(frame).toMatchObject({ leftRunning: Array.from({ length: 20 }, (_, pid) => ({ pid })) });
    expect(frame.kind === "result" && frame.leftRunning[0]?.command).toBe("x".repeat(200));
  });

  it.each<[string, object]>([
    ["a chunk that is too large", { output: { ...chunk, data: Buffer.alloc(17) } }],
    ["a chunk without data", { output: { ...chunk, data: Buffer.alloc(0) } }],
    ["a chunk of no stream", { output: { ...chunk, stream: "STREAM_UNSPECIFIED" } }],
    ["more dropped than there was", { output: { ...chunk, offset: 3, droppedBefore: 4 } }],
    ["a negative offset", { output: { ...chunk, offset: -1 } }],
    ["an offset beyond safe integers", { output: { ...chunk, offset: 2 ** 60 } }],
    ["a command id with a path", { output: { ...chunk, commandId: "../c1" } }],
    ["a command id with NUL", { output: { ...chunk, commandId: "c\0" } }],
    ["attempt 0", { started: { commandId: "c1", assignNo: 1, attempt: 0, recorded: true } }],
    ["assign_no 0", { started: { commandId: "c1", assignNo: 0, attempt: 1, recorded: true } }],
    ["an outcome that nobody knows", { result: { ...result, outcome: 17 } }],
    ["an outcome that is a name of Object's", { result: { ...result, outcome: "toString" } }],
    ["tail chunks that overlap", { result: { ...result, tail: [chunk, { ...chunk, offset: 1 }] } }],
    [
      "a refusal without a reason",
      { refused: { commandId: "c1", assignNo: 1, attempt: 1, reason: "REFUSAL_REASON_UNSPECIFIED", recorded: true } },
    ],
  ])("refuses %s", (_, message) => {
    expect(() => read(message)).toThrow(ProtocolError);
  });

  it("makes words for people storable instead of refusing them", () => {
    const frame = read({
      result: { ...result, error: "No Such Code", errorMessage: `a\0b\ud800${"x".repeat(5_000)}` },
    });
    expect(frame).toMatchObject({ error: "unnamed_error" });
    if (frame.kind !== "result") throw new Error("not a result");
    expect(frame.errorMessage).toHaveLength(1_000);
    expect(frame.errorMessage?.startsWith("a\u{fffd}b\u{fffd}x")).toBe(true);
  });

  it("either reads a frame or says that it breaks the protocol, whatever is in it", () => {
    const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(2 ** 53, -1, 0, 1));
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom("__proto__", "constructor", "STREAM_STDOUT", "OUTCOME_EXITED", "c1"),
    );
    const data = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes));
    const anyChunk = fc.record({
      commandId: text,
      attempt: number,
      droppedBefore: number,
      offset: number,
      stream: text,
      data,
    });
    const run = { commandId: text, attempt: number, assignNo: number, recorded: fc.boolean() };
    const anyFrame = fc.oneof(
      fc.record({ output: anyChunk }),
      fc.record({ started: fc.record(run) }),
      fc.record({ refused: fc.record({ ...run, reason: fc.oneof(text, number) }) }),
      fc.record({
        result: fc.record({
          ...run,
          outcome: fc.oneof(text, number),
          exitCode: fc.integer(),
          error: text,
          errorMessage: text,
          durationMs: number,
          outputBytes: number,
          startedAgoMs: number,
          tail: fc.array(anyChunk, { maxLength: 3 }),
        }),
      }),
      fc.record({
        heartbeat: fc.record({ sequence: number, running: number, load1: number, freeMemoryBytes: number }),
      }),
      fc.record({
        profile: fc.record({
          fleet: text,
          labels: fc.dictionary(text, text),
          concurrency: number,
          hostname: text,
          platform: text,
          types: fc.array(fc.record({ type: text, parametersSchemaJson: fc.oneof(text, fc.json()) }), { maxLength: 3 }),
          draining: fc.boolean(),
        }),
      }),
    );
    fc.assert(
      fc.property(anyFrame, (message) => {
        const failure = failureOf(() => read(message));
        expect(failure === undefined || failure instanceof ProtocolError).toBe(true);
      }),
    );
  });
});

function failureOf(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}
