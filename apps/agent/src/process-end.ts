import { isatty } from "node:tty";
import type { Logger } from "@fleetwire/service";
import type { Agent } from "./agent.ts";
import { exitCodes } from "./exit-codes.ts";

/** How this process comes to its end. */
export interface ProcessEnd {
  /** Aborted when it is to stop, also before there is an agent. */
  readonly stopping: AbortSignal;
  /** From now on signals stop this agent. */
  follow(agent: Agent): void;
  /** What SIGHUP asks for, where it doesn't mean the end; also one that came before. */
  onReload(reload: () => void): void;
  onClose(close: () => Promise<void>): void;
  close(): Promise<void>;
}

const signals = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;
// A terminal's Ctrl-C comes twice, from the terminal and through the launcher: that is one wish to stop.
const sameWishMs = 1_000;

/**
 * SIGTERM, SIGINT and the death of the launcher stop the agent, and so does SIGHUP, unless there is a settings file to be
 * read again (`reloads`) and it isn't the terminal that hung up; a second signal, a second later or more, ends
 * the process at once. An unexpected error ends it with 70. Whatever ends it, no process that it started outlives it
 * (kill -9 apart: then the next start sweeps).
 */
export function createProcessEnd({ log, reloads }: { log: Logger; reloads: boolean }): ProcessEnd {
  const stopping = new AbortController();
  let agent: Agent | null = null;
  let closing: (() => Promise<void>)[] = [];
  let firstWishMs: number | null = null;
  let reload: (() => void) | null = null;
  let reloadWaits = false;
  const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));

  function stop(reason: string): void {
    firstWishMs ??= performance.now();
    stopping.abort(reason);
    agent?.stop({ exitCode: exitCodes.stopped, reason });
  }

  for (const [signal, number] of Object.entries(signals)) {
    process.on(signal, () => {
      if (signal === "SIGHUP" && reloads && !hungUp(terminals)) {
        if (reload === null) reloadWaits = true;
        else reload();
        return;
      }
      if (firstWishMs !== null && performance.now() - firstWishMs > sameWishMs) {
        log.warn({ signal }, "second signal: ending at once");
        process.exit(128 + number);
      }
      stop(signal);
    });
  }
  process.on("disconnect", () => {
    log.warn("the launcher is gone");
    stop("the launcher is gone");
  });
  const onUnexpected = (err: unknown): void => {
    log.fatal({ err }, "unexpected error: ending the process");
    process.exit(exitCodes.crashed);
  };
  process.on("uncaughtException", onUnexpected);
  process.on("unhandledRejection", onUnexpected);
  process.on("exit", () => agent?.kill());

  return {
    stopping: stopping.signal,
    follow(started) {
      agent = started;
      if (stopping.signal.aborted) stop(String(stopping.signal.reason));
    },
    onReload(wished) {
      reload = wished;
      if (reloadWaits) reload();
    },
    onClose: (close) => void closing.push(close),
    async close() {
      for (const step of closing.toReversed()) await step();
      closing = [];
    },
  };
}

/** Whether the terminal that this process was started from has gone: then nobody has asked for anything. */
function hungUp(terminals: readonly number[]): boolean {
  return terminals.length > 0 && terminals.every((descriptor) => !isatty(descriptor));
}
