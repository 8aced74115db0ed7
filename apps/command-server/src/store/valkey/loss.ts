import type { Logger } from "@fleetwire/service";

/**
 * Notices that the store has gone back: the feed's counter only ever rises, so a lower one than was seen before means that
 * changes which had been acknowledged are gone, after a failover or a crash within the server's `appendfsync` window.
 */
export function createLossWatch(o: { log: Logger; lost(count: number): void }): { saw(number: number): void } {
  let highest = 0;
  return {
    saw(number) {
      const lost = highest - number;
      highest = number;
      if (lost <= 0) return;
      o.lost(lost);
      o.log.error(
        { code: "changes_lost", atLeast: lost },
        "Valkey has lost changes that it had acknowledged; agents' sessions are settled anew",
      );
    },
  };
}
