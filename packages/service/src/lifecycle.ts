import type { Logger } from "./log.ts";
import { systemClock, type Clock } from "./clock.ts";

/** The end of a process, in order. */
export interface Lifecycle {
  /** Adds a step; steps run in reverse order of their adding, so each outlives what was built on it. */
  onStop(name: string, step: () => Promise<void> | void): void;
  /**
   * Runs the steps once (later calls wait for the same run). A failed step is logged and the next one runs. When the
   * deadline is over, the step that hangs is left behind and those after it are started without waiting for them.
   * Never rejects; resolves to whether every step succeeded in time.
   */
  stop(reason: string): Promise<boolean>;
  /**
   * Stops on SIGTERM and SIGINT, then exits: 0, or 1 when a step failed. A second signal, half a second later or more,
   * exits at once, with 128 + its number. An uncaught exception or unhandled rejection is logged, and ends the process the same way with 1.
   * Returns what takes the handlers off again.
   */
  handleSignals(): () => void;
  /** Aborted when stopping begins, with the reason. */
  readonly stopping: AbortSignal;
}

const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const;

// One Ctrl-C can come twice: from the terminal, and passed on by npm or a wrapper.
const sameSignalMs = 500;

/** `deadlineMs` (default 30 s) is for all steps together. */
export function createLifecycle(options: {
  log: Logger;
  deadlineMs?: number;
  clock?: Clock;
  /** Ends the process; default `process.exit`. */
  exit?: (code: number) => void;
}): Lifecycle {
  const { log, deadlineMs = 30_000, clock = systemClock, exit = (code) => process.exit(code) } = options;
  const steps: { name: string; step: () => Promise<void> | void }[] = [];
  const stopping = new AbortController();
  let stopped: Promise<boolean> | null = null;

  async function run(reason: string): Promise<boolean> {
    const began = clock.monotonicMs();
    log.info({ reason, deadlineMs }, "stopping");
    const deadline = createDeadline(deadlineMs);
    let clean = true;
    // A step may add another while it runs: the newest goes first.
    for (let next = steps.pop(); next !== undefined; next = steps.pop()) {
      clean = (await runStep(next, deadline)) && clean;
    }
    deadline.clear();
    log.info({ durationMs: Math.round(clock.monotonicMs() - began), clean }, "stopped");
    return clean;
  }

  async function runStep({ name, step }: (typeof steps)[number], deadline: Deadline): Promise<boolean> {
    const began = clock.monotonicMs();
    const took = (): number => Math.round(clock.monotonicMs() - began);
    const work = (async () => {
      try {
        await step();
        log.info({ step: name, durationMs: took() }, "stop step done");
        return "done";
      } catch (err) {
        log.error({ step: name, durationMs: took(), err }, "stop step failed");
        return "failed";
      }
    })();
    const outcome = await Promise.race([work, deadline.passed]);
    if (outcome === "late")
      log.error({ step: name, durationMs: took() }, "stop step is over the deadline; left behind");
    return outcome === "done";
  }

  function stop(reason: string): Promise<boolean> {
    if (stopped === null) {
      stopping.abort(reason);
      stopped = run(reason);
    }
    return stopped;
  }

  function handleSignals(): () => void {
    let ending = false;
    let signalledMs = 0;
    let fatal = false;
    const end = (reason: string): void => {
      void stop(reason).then((clean) => exit(clean && !fatal ? 0 : 1));
    };
    const onSignal = (signal: NodeJS.Signals): void => {
      const name = signal === "SIGINT" ? "SIGINT" : "SIGTERM";
      if (ending) {
        if (clock.monotonicMs() - signalledMs < sameSignalMs) return;
        log.warn({ signal: name }, "second signal: exiting at once");
        exit(128 + signalNumbers[name]);
        return;
      }
      ending = true;
      signalledMs = clock.monotonicMs();
      end(name);
    };
    const onFatal = (err: unknown, origin: string): void => {
      log.fatal({ err, origin }, "unexpected error: ending the process");
      ending = true;
      fatal = true;
      end(origin);
    };
    const onRejection = (reason: unknown): void => onFatal(reason, "unhandledRejection");
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
    process.on("uncaughtException", onFatal);
    process.on("unhandledRejection", onRejection);
    return () => {
      process.off("SIGTERM", onSignal);
      process.off("SIGINT", onSignal);
      process.off("uncaughtException", onFatal);
      process.off("unhandledRejection", onRejection);
    };
  }

  return {
    onStop: (name, step) => steps.push({ name, step }),
    stop,
    handleSignals,
    stopping: stopping.signal,
  };
}

interface Deadline {
  passed: Promise<"late">;
  clear(): void;
}

function createDeadline(ms: number): Deadline {
  const { promise, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(() => resolve("late"), ms);
  return { passed: promise, clear: () => clearTimeout(timer) };
}
