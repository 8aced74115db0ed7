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
// Acknowledged runs that would still be answered for again.
const acknowledgedKept = 1_000;

/**
 * What a light agent knows of its runs, as a real one has it in its ledger: it lives as long as the fleet's process, which
 * stands for the machine.
 */
export class MemoryLedger {
  readonly #runs = new Map<string, Remembered & RunRef>();
  readonly #acknowledged = new Map<string, RunRef & { result: ResultInput }>();
  readonly #numbers = new Map<number, string>();
  #highest = 0;

  get highest(): number {
    return this.#highest;
  }

  get running(): number {
    let running = 0;
    for (const { state } of this.#runs.values()) if (state === "running") running += 1;
    return running;
  }

  /**
   * What is known of the run that is assigned, under this number from now on; one that was acknowledged is to be answered
   * for again. `number_taken`: the number, or a later one of the same run, has been given before.
   */
  assigned(run: RunRef): Remembered | "number_taken" | undefined {
    const key = keyOf(run);
    if ((this.#numbers.get(run.assignNo) ?? key) !== key) return "number_taken";
    const acknowledged = this.#acknowledged.get(key);
    const known = this.#runs.get(key) ?? (acknowledged && { ...acknowledged, state: "done" });
    if (known === undefined) return undefined;
    if (run.assignNo < known.assignNo) return "number_taken";
    const { assignNo } = run;
    this.#acknowledged.delete(key);
    this.set(
      run,
      known.state === "done" ? { ...known, assignNo, result: { ...known.result, assignNo } } : { ...known, assignNo },
    );
    return this.#runs.get(key);
  }

  /** Null for one that was acknowledged. */
  get(run: RunRef): Remembered | null | undefined {
    const key = keyOf(run);
    return this.#runs.get(key) ?? (this.#acknowledged.has(key) ? null : undefined);
  }

  set({ commandId, attempt }: RunRef, entry: Remembered): void {
    const run = { ...entry, commandId, attempt };
    this.#runs.set(keyOf(run), run);
    this.#numbers.set(entry.assignNo, keyOf(run));
    this.#highest = Math.max(this.#highest, entry.assignNo);
  }

  acknowledge(run: RunRef): void {
    const key = keyOf(run);
    const known = this.#runs.get(key);
    if (known?.state !== "done") return;
    this.#runs.delete(key);
    this.#acknowledged.set(key, known);
    const [oldest] = this.#acknowledged;
    if (this.#acknowledged.size <= acknowledgedKept || oldest === undefined) return;
    this.#acknowledged.delete(oldest[0]);
    this.#numbers.delete(oldest[1].assignNo);
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
    this.#numbers.clear();
    this.#highest = 0;
  }
}

function keyOf({ commandId, attempt }: RunRef): string {
  return `${commandId}/${attempt}`;
}
