import type { Writable } from "node:stream";
import pc from "picocolors";
import type { Environment } from "../config.ts";
import { errorCode } from "../fields.ts";
import { visibleText } from "./visible.ts";

export type Colors = ReturnType<typeof pc.createColors>;

/** One of the two ways out. */
export interface Screen {
  readonly isTerminal: boolean;
  /** A terminal on which a line can be drawn anew in its place. */
  readonly canRedraw: boolean;
  /** Width of the terminal; null for a pipe or file. */
  readonly columns: number | null;
  readonly colors: Colors;
  /** Resolves when the data has left the process, so that a slow reader slows us; rejects with ClosedPipe. */
  write(data: string | Uint8Array): Promise<void>;
}

export interface Terminal {
  /** Data. */
  readonly out: Screen;
  /** Everything else; what it is given as `note` is made safe to print. */
  readonly err: Screen;
  note(message: string): Promise<void>;
  now: () => Date;
}

/** The reader of our output went away. */
export class ClosedPipe extends Error {
  constructor() {
    super("the reader of the output went away");
    this.name = "ClosedPipe";
  }
}

interface OutputStream extends Writable {
  isTTY?: boolean;
  columns?: number;
}

/** Colours only on a terminal, and never with NO_COLOR. */
export function createTerminal(
  streams: { stdout: OutputStream; stderr: OutputStream },
  environment: Environment,
  now: () => Date = () => new Date(),
): Terminal {
  const out = createScreen(streams.stdout, environment);
  const err = createScreen(streams.stderr, environment);
  return {
    out,
    err,
    now,
    async note(message) {
      // Nobody is left to read it: no reason to end.
      await err.write(`${visibleText(message)}\n`).catch(() => undefined);
    },
  };
}

function createScreen(stream: OutputStream, environment: Environment): Screen {
  const isTerminal = stream.isTTY === true;
  // Each write answers for its own failure; without a listener the same failure would end the process.
  stream.on("error", () => undefined);
  return {
    isTerminal,
    canRedraw: isTerminal && !environment.dumbTerminal,
    get columns() {
      // Some pseudo-terminals say 0.
      return isTerminal ? stream.columns || 80 : null;
    },
    colors: pc.createColors(isTerminal && !environment.noColor && !environment.dumbTerminal),
    write: (data) =>
      new Promise((resolve, reject) => {
        stream.write(data, (error) => {
          if (!error) resolve();
          else if (isClosed(error)) reject(new ClosedPipe());
          else reject(error);
        });
      }),
  };
}

function isClosed(error: Error): boolean {
  return ["EPIPE", "ERR_STREAM_DESTROYED", "EOF", "ECONNRESET"].includes(errorCode(error) ?? "");
}
