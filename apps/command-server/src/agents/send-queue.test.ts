import { EventEmitter } from "node:events";
import type { ServerMessageInput } from "@fleetwire/proto";
import { describe, expect, it } from "vitest";
import { SendQueue } from "./send-queue.ts";

/** The writable side of a stream that takes `room` frames before it asks to wait. */
class Sink extends EventEmitter {
  readonly written: ServerMessageInput[] = [];
  room: number;

  constructor(room: number) {
    super();
    this.room = room;
  }

  write(frame: ServerMessageInput): boolean {
    this.written.push(frame);
    this.room -= 1;
    return this.room > 0;
  }

  drain(room: number): void {
    this.room = room;
    this.emit("drain");
  }

  sequences(): unknown[] {
    return this.written.map((frame) => frame.heartbeatAck?.sequence);
  }
}

const ack = (sequence: number): ServerMessageInput => ({ heartbeatAck: { sequence } });
const large = (bytes: number): ServerMessageInput => ({ assign: { commandId: "c", command: "x".repeat(bytes) } });

describe("SendQueue", () => {
  it("hands frames over in order, and no more than the stream asks for", () => {
    const sink = new Sink(2);
    const queue = new SendQueue(sink, { maxFrames: 10, maxBytes: 10_000 });
    for (const sequence of [1, 2, 3, 4, 5]) queue.push(ack(sequence));
    expect(sink.sequences()).toEqual([1, 2]);
    sink.drain(2);
    expect(sink.sequences()).toEqual([1, 2, 3, 4]);
    sink.drain(5);
    queue.push(ack(6));
    expect(sink.sequences()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("refuses a frame beyond its count", () => {
    const queue = new SendQueue(new Sink(1), { maxFrames: 2, maxBytes: 10_000 });
    expect([1, 2, 3, 4].map((sequence) => queue.push(ack(sequence)))).toEqual([true, true, true, false]);
  });

  it("refuses a frame beyond its bytes, and takes it again once the agent has read", () => {
    const sink = new Sink(1);
    const queue = new SendQueue(sink, { maxFrames: 100, maxBytes: 1_000 });
    queue.push(ack(1));
    expect(queue.push(large(600))).toBe(true);
    expect(queue.push(large(600))).toBe(false);
    sink.drain(10);
    expect(queue.push(large(600))).toBe(true);
  });
});
