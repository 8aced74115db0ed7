import type { Link } from "../connection/session.ts";
import { createOutputBuffer } from "../execution/output-buffer.ts";
import type { OutputPiece, OutputStream, RunKey } from "../ledger/records.ts";
import { outputReport } from "./reports.ts";

/** Takes a run's output and sends it along, as far as the stream and the server's acknowledgements allow. */
export interface OutputPump {
  write(stream: OutputStream, data: Uint8Array): void;
  attach(link: Link, resumeAt: number | null): void;
  detach(): void;
  acknowledge(offset: number): void;
  /** Sends no more. What wasn't sent is in `unsent` until the pump is attached anew. */
  close(): void;
  unsent(): { output: OutputPiece[]; sentEnd: number };
  unacknowledged(): OutputPiece[];
  readonly bytes: number;
}

// Output waits for more of it, this long and up to this much: quick for followers, few frames for short commands.
const flushAfterMs = 20;
const flushAtBytes = 16 * 1024;

/** `hold` is told when the command's output has to be held back, and when it may flow again. */
export function createOutputPump(run: RunKey, hold: (held: boolean) => void): OutputPump {
  const buffer = createOutputBuffer();
  let link: Link | null = null;
  let timer: NodeJS.Timeout | null = null;
  let sending = false;
  let closed = false;
  let held = false;
  let acknowledged = 0;
  /** The end of what was sent on this stream, or was on the server when it began. */
  let sentEnd = 0;

  function checkPressure(): void {
    if (buffer.full === held) return;
    held = buffer.full;
    hold(held);
  }

  /** The stream to send on, if any. */
  const current = (): Link | null => (closed ? null : link);

  async function send(): Promise<void> {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (sending) return;
    sending = true;
    for (let on = current(); on !== null; on = current()) {
      const piece = buffer.take(on.maxChunkBytes);
      if (piece === null) break;
      const report = outputReport(run, piece, sentEnd);
      sentEnd = piece.offset + piece.data.length;
      // When the stream ends meanwhile, `detach` puts the piece back.
      await on.send(report);
    }
    sending = false;
  }

  return {
    write(stream, data) {
      buffer.append(stream, data);
      checkPressure();
      if (link === null || closed) return;
      if (buffer.unsentBytes >= flushAtBytes) void send();
      else timer ??= setTimeout(() => void send(), flushAfterMs);
    },
    attach(next, resumeAt) {
      link = next;
      sentEnd = resumeAt ?? acknowledged;
      buffer.connect(resumeAt);
      checkPressure();
      if (!closed) void send();
    },
    detach() {
      link = null;
      buffer.disconnect();
      checkPressure();
    },
    acknowledge(offset) {
      acknowledged = Math.max(acknowledged, offset);
      buffer.acknowledge(offset);
      checkPressure();
    },
    close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
    },
    unsent: () => {
      const output: OutputPiece[] = [];
      for (let piece = buffer.take(Infinity); piece !== null; piece = buffer.take(Infinity)) output.push(piece);
      return { output, sentEnd };
    },
    unacknowledged: () => buffer.pieces(),
    get bytes() {
      return buffer.end;
    },
  };
}
