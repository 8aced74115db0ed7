import type { DeadLetterReason } from "./outcome.ts";

/** What became of a delivery, for whoever tracks messages. */
export interface DeliveryReport {
  messageId: string;
  queue: string;
  group: string;
  companyId: string;
  status: "processing" | "completed" | "retry" | "failed";
  attempt: number;
  /** By the consumer's clock, RFC 3339 UTC. */
  at: string;
  /** Of the handler; not while processing. */
  durationMs?: number;
  /** Until the next attempt. */
  delayMs?: number;
  reason?: DeadLetterReason;
  error?: string;
}

/** The type of messages on a tracking queue; the payload is `{ reports: DeliveryReport[] }`. */
export const reportType = "delivery.reports";

const mostReports = 100;
const longestWaitMs = 5;

export interface Reporter {
  /** Resolves when the report is durable; tries for ever, until `abandon`. */
  confirmed(report: DeliveryReport): Promise<void>;
  /** Sent along; nobody waits for it. */
  mention(report: DeliveryReport): void;
  /** Whether reports can't be confirmed at present: take nothing new. */
  readonly stalled: boolean;
}

interface Waiting {
  report: DeliveryReport;
  resolve: (() => void) | null;
}

/**
 * Sends reports in batches of up to 100, or after 5 ms. A batch that can't be confirmed is sent again until it is;
 * `onChange` is called when `stalled` changes.
 */
export function createReporter(options: {
  send: (reports: readonly DeliveryReport[]) => Promise<void>;
  onChange: () => void;
  onError: (error: unknown) => void;
  /** Resolves after the given milliseconds. */
  pause: (ms: number) => Promise<void>;
  isClosed: () => boolean;
}): Reporter {
  let waiting: Waiting[] = [];
  let timer: NodeJS.Timeout | null = null;
  /** Batches that can't be sent at present. */
  let failing = 0;

  function add(item: Waiting): void {
    waiting.push(item);
    if (waiting.length >= mostReports) flush();
    else timer ??= setTimeout(flush, longestWaitMs);
  }

  function flush(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (waiting.length === 0) return;
    const batch = waiting;
    waiting = [];
    void deliver(batch);
  }

  async function deliver(batch: readonly Waiting[]): Promise<void> {
    const reports = batch.map(({ report }) => report);
    // Nobody waits for these; if they can't be sent at once, what ends the delivery says more.
    const mustArrive = batch.some(({ resolve }) => resolve !== null);
    for (let failures = 0; ; failures++) {
      try {
        await options.send(reports);
        if (failures > 0) changeFailing(-1);
        break;
      } catch (error) {
        if (!mustArrive || options.isClosed()) return;
        if (failures === 0) changeFailing(1);
        options.onError(error);
        await options.pause(Math.min(200 * 2 ** failures, 5_000));
        if (options.isClosed()) return;
      }
    }
    for (const { resolve } of batch) resolve?.();
  }

  function changeFailing(by: number): void {
    const before = failing > 0;
    failing += by;
    if (before !== failing > 0) options.onChange();
  }

  return {
    confirmed: (report) => new Promise<void>((resolve) => add({ report, resolve })),
    mention: (report) => add({ report, resolve: null }),
    get stalled() {
      return failing > 0;
    },
  };
}
