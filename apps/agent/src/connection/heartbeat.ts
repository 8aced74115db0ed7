import type { AgentMessageInput, Welcome } from "@fleetwire/proto";
import type { Clock } from "@fleetwire/service";
import type { Load } from "./session.ts";

export interface Heartbeat {
  acknowledged(sequence: number): void;
  /** The load may have become another one: where it is by its kind (idle, busy, full), the next beat comes early. */
  loadChanged(): void;
  stop(): void;
}

const defaultIntervalMs = 10_000;
const defaultTimeoutMs = 30_000;
// A change that is over sooner isn't told: most commands are short.
const lastingMs = 200;
const leastApartMs = 1_000;

/** Beats at the interval that the Welcome gives; `onSilence` when no beat was acknowledged for its timeout. */
export function createHeartbeat(options: {
  welcome: Pick<Welcome, "heartbeatIntervalMs" | "heartbeatTimeoutMs">;
  clock: Clock;
  load: () => Load;
  send: (message: AgentMessageInput) => Promise<boolean>;
  onSilence: (reason: string) => void;
}): Heartbeat {
  const { welcome, clock, load, send, onSilence } = options;
  const intervalMs = welcome.heartbeatIntervalMs || defaultIntervalMs;
  const timeoutMs = welcome.heartbeatTimeoutMs || defaultTimeoutMs;
  let sequence = 0;
  let acknowledged = 0;
  let heardMs = clock.monotonicMs();
  let beatMs = heardMs;
  let told: Load["occupancy"] | null = null;
  let onItsWay = false;
  let early: NodeJS.Timeout | null = null;

  async function beat(): Promise<void> {
    if (onItsWay) return;
    sequence += 1;
    onItsWay = true;
    beatMs = clock.monotonicMs();
    const { occupancy, ...now } = load();
    told = occupancy;
    await send({ heartbeat: { sequence, ...now } });
    onItsWay = false;
  }

  function loadChanged(): void {
    if (early !== null || load().occupancy === told) return;
    const waitMs = Math.max(lastingMs, beatMs + leastApartMs - clock.monotonicMs());
    early = setTimeout(() => {
      early = null;
      if (load().occupancy !== told) void beat();
    }, waitMs);
  }

  const checkMs = Math.max(50, timeoutMs / 10);
  let checkedMs = heardMs;

  /** While this process stands still (it starts many commands, say) it hears nothing: that isn't the server's silence. */
  function check(): void {
    const nowMs = clock.monotonicMs();
    heardMs += Math.max(0, nowMs - checkedMs - checkMs * 2);
    checkedMs = nowMs;
    const silentMs = nowMs - heardMs;
    if (silentMs > timeoutMs) onSilence(`no heartbeat acknowledged for ${Math.round(silentMs)} ms`);
  }

  const beating = setInterval(() => void beat(), intervalMs);
  const watching = setInterval(check, checkMs);
  void beat();

  return {
    acknowledged(beaten) {
      if (beaten <= acknowledged || beaten > sequence) return;
      acknowledged = beaten;
      heardMs = clock.monotonicMs();
    },
    loadChanged,
    stop() {
      clearInterval(beating);
      clearInterval(watching);
      if (early !== null) clearTimeout(early);
    },
  };
}
