import { connect, type Socket } from "node:net";
import type { Conditions } from "./conditions.ts";
import { type Direction, startDirection } from "./direction.ts";

export interface Target {
  host: string;
  port: number;
}

/** One client's connection and the one that the proxy made for it. */
export interface Connection {
  /** To be called when the conditions have changed. */
  changed(): void;
  /** Both sides get a RST. */
  reset(): void;
}

/**
 * Joins an accepted socket with a new one to `target`. A reset of one side resets the other, a refused target resets the
 * client: at once, or, while half-open, when that is over. `onClose` is called once, when both sides are closed.
 */
export function joinConnection(
  client: Socket,
  target: Target,
  conditions: Conditions,
  onClose: () => void,
): Connection {
  let upstream: Socket | undefined;
  let directions: Direction[] = [];
  let broken = false;
  const open = new Set<Socket>();

  const watch = (socket: Socket) => {
    open.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {}); // told by "close"
    socket.on("close", (hadError) => {
      open.delete(socket);
      if (hadError) {
        broken = true;
        pass();
      }
      if (open.size === 0) onClose();
    });
  };

  const reset = () => {
    broken = true;
    for (const direction of directions) direction.end();
    for (const socket of open) socket.resetAndDestroy();
  };

  /** Does what was held back while half-open. */
  const pass = () => {
    if (conditions.halfOpen) return;
    if (broken) return reset();
    if (upstream === undefined) {
      upstream = connect({ host: target.host, port: target.port, allowHalfOpen: true });
      watch(upstream);
      directions = [startDirection(client, upstream, conditions), startDirection(upstream, client, conditions)];
    }
  };

  client.pause();
  watch(client);
  pass();

  return {
    changed: () => {
      pass();
      for (const direction of directions) direction.changed();
    },
    reset,
  };
}
