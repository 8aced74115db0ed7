import { createFifo, type DeliveryPort, type Intake } from "../consumer/incoming.ts";
import type { RabbitIncoming } from "./rabbit-incoming.ts";
import type { RabbitPort } from "./rabbit-port.ts";

/**
 * One delivery of a partition at a time: the next starts when the one before is settled. A retry waits here, with the
 * delivery unacknowledged, and blocks its partition.
 */
export interface OrderedIntake {
  readonly intake: Intake<RabbitIncoming>;
  readonly port: DeliveryPort<RabbitIncoming>;
  /** The channel is lost: what waits for a retry is somebody else's. */
  lost(): void;
}

// Retries end before the broker takes the delivery back.
const safetyMs = 5_000;

/** `wake` is called when the next may start. */
export function createOrderedIntake(port: RabbitPort, wake: () => void): OrderedIntake {
  const waiting = createFifo<RabbitIncoming>();
  let open: RabbitIncoming | undefined;
  let again: RabbitIncoming | undefined;
  let timer: NodeJS.Timeout | undefined;
  /** What was held behind a delivery that crashed its consumers came back as often, and was never begun. */
  let isExcused = false;

  function closed(delivery: RabbitIncoming): void {
    if (open === delivery) open = undefined;
  }

  return {
    intake: {
      get size() {
        return waiting.size + (again === undefined ? 0 : 1);
      },
      add: waiting.add,
      next: () => {
        if (open?.signal.aborted === true) open = undefined;
        if (open !== undefined) return undefined;
        open = again ?? waiting.next();
        again = undefined;
        if (isExcused && open !== undefined) {
          isExcused = false;
          open.excuse();
        }
        return open;
      },
      takeAll: () => [...(again === undefined ? [] : [again]), ...waiting.takeAll()],
    },
    port: {
      complete: (delivery) => {
        closed(delivery);
        return port.complete(delivery);
      },
      deadLetter: async (delivery, reason, failure) => {
        await port.deadLetter(delivery, reason, failure);
        isExcused = reason === "crashed";
        closed(delivery);
      },
      release: (delivery) => {
        closed(delivery);
        port.release(delivery);
      },
      retry: (delivery, delayMs) => {
        const waitMs = Math.max(0, Math.min(delayMs, delivery.leftMs - safetyMs));
        timer = setTimeout(() => {
          if (delivery.signal.aborted || open !== delivery) return;
          delivery.attempt += 1;
          again = delivery;
          open = undefined;
          wake();
        }, waitMs);
        return Promise.resolve();
      },
    },
    lost: () => {
      clearTimeout(timer);
      again = undefined;
      if (open?.signal.aborted === true) open = undefined;
    },
  };
}
