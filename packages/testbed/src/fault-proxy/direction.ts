import type { Socket } from "node:net";
import type { Conditions } from "./conditions.ts";

/** One direction of one connection. */
export interface Direction {
  /** To be called when the conditions have changed. */
  changed(): void;
  /** Drops what is queued and moves nothing more. */
  end(): void;
}

// What a direction holds at most before it stops reading: enough to fill a line of 2.5 MB/s with 100 ms of delay,
// little enough that a slow line is felt by the sender.
const heldBytes = 256 * 1024;
// Under a limit of bandwidth data goes out in slices that take about this long.
const sliceMs = 20;

interface Piece {
  data: Buffer;
  arrivedMs: number;
}

/**
 * Moves bytes, and the end of the stream, from `source` to `sink` in their order under `conditions`. Both sockets must
 * allow half-open connections. Errors of the sockets are the connection's business.
 */
export function startDirection(source: Socket, sink: Socket, conditions: Conditions): Direction {
  const queue: Piece[] = [];
  let queued = 0;
  let endArrivedMs: number | undefined;
  let lineFreeMs = 0;
  let waitingForDrain = false;
  let over = false;
  let timer: NodeJS.Timeout | undefined;

  const mayMove = () => !over && !conditions.halfOpen && !waitingForDrain && !sink.connecting;

  const step = () => {
    clearTimeout(timer);
    while (mayMove()) {
      const piece = queue[0];
      const arrivedMs = piece?.arrivedMs ?? endArrivedMs;
      if (arrivedMs === undefined) break;
      const now = performance.now();
      const dueMs = Math.max(arrivedMs + conditions.delayMs, lineFreeMs);
      if (dueMs > now) {
        timer = setTimeout(step, dueMs - now);
        break;
      }
      if (piece) {
        send(piece, now);
      } else {
        over = true;
        sink.end();
      }
    }
    readOn();
  };

  const send = (piece: Piece, now: number) => {
    const slice = Math.max(1, Math.floor((conditions.bytesPerSecond * sliceMs) / 1000));
    const data = piece.data.subarray(0, slice);
    if (data.length === piece.data.length) queue.shift();
    else piece.data = piece.data.subarray(data.length);
    queued -= data.length;
    lineFreeMs = now + (data.length / conditions.bytesPerSecond) * 1000;
    if (!sink.write(data)) {
      waitingForDrain = true;
      sink.once("drain", () => {
        waitingForDrain = false;
        step();
      });
    }
  };

  const readOn = () => {
    if (conditions.halfOpen || queued >= heldBytes) source.pause();
    else source.resume();
  };

  source.on("data", (data: Buffer) => {
    if (over) return;
    queue.push({ data, arrivedMs: performance.now() });
    queued += data.length;
    step();
  });
  source.on("end", () => {
    endArrivedMs = performance.now();
    step();
  });
  sink.once("connect", step);

  return {
    changed: () => {
      lineFreeMs = 0;
      step();
    },
    end: () => {
      over = true;
      clearTimeout(timer);
      queue.length = 0;
    },
  };
}
