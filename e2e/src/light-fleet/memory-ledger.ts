import type { HeldInput, ResultInput } from "@fleetwire/proto";

/** How an assignment names a run. */
export interface RunRef {
  commandId: string;
  attempt: number;
  assignNo: number;
}

export type Remembered =
  | { state: "running"; assignNo: number; stop: () => void }
  | { state: "done"; assignNo: number; result: ResultInput }
  | { state: "refused"; assignNo: number };

const heldStates = { running: "HELD_STATE_RUNNING", done: "HELD_STATE_DONE", refused: "HELD_STATE_REFUSED" } as const;
// Acknowledged runs whose repetition would still be noticed.
const acknowledgedKept = 1_000;

/**
 * What a light agent knows of its runs, as a real one has it in its ledger: it lives as long as the fleet's process, which
 * stands for the machine.
 */
export class MemoryLedger {
  readonly #runs = new Map<string, Remembered & RunRef>();
  readonly #acknowledged = new Set<string>();
  #highest = 0;

  get highest(): number {
    return this.#highest;
  }

  get running(): number {
    let running = 0;
    for (const { state } of this.#runs.values()) if (state === "running") running += 1;
    return running;
  }

  get(run: RunRef): Remembered | "acknowledged" | undefined {
    const key = keyOf(run);
    return this.#runs.get(key) ?? (this.#acknowledged.has(key) ? "acknowledged" : undefined);
  }

  set({ commandId, attempt }: RunRef, entry: Remembered): void {
    const run = { commandId, attempt, ...entry };
    this.#runs.set(keyOf(run), run);
    this.#highest = Math.max(this.#highest, entry.assignNo);
  }

  acknowledge(run: RunRef): void {
    const key = keyOf(run);
    if (!this.#runs.delete(key)) return;
    this.#acknowledged.add(key);
    const [oldest] = this.#acknowledged;
    if (this.#acknowledged.size > acknowledgedKept && oldest !== undefined) this.#acknowledged.delete(oldest);
  }

  /** For the Hello. */
  held(): HeldInput[] {
    return [...this.#runs.values()].map(({ commandId, attempt, assignNo, state }) => ({
      commandId,
      attempt,
      assignNo,
      state: heldStates[state],
    }));
  }

  /** Ended, and not acknowledged yet. */
  results(): ResultInput[] {
    return [...this.#runs.values()].flatMap((run) => (run.state === "done" ? [run.result] : []));
  }

  /** Another ledger begins. */
  clear(): void {
    for (const run of this.#runs.values()) if (run.state === "running") run.stop();
    this.#runs.clear();
    this.#acknowledged.clear();
    this.#highest = 0;
  }
}

function keyOf({ commandId, attempt }: RunRef): string {
  return `${commandId}/${attempt}`;
}
