import type { Lane } from "../commands/command.ts";
import { LazyMap } from "./lazy-map.ts";

/** One run that an agent has been given. */
export interface Run {
  agentId: string;
  epoch: number;
  commandId: string;
  attempt: number;
  assignNo: number;
  lane: Lane;
  /** Null for a run that an earlier session had given. */
  type: string | null;
}

/** Which run a report is about. */
export interface RunMatch {
  commandId: string;
  attempt: number;
  assignNo: number;
}

/**
 * The slots of one agent's two lanes and what is in them. A lane may be over-full when concurrency was lowered while
 * it was busy; nothing is free then.
 */
export class RunSlots {
  readonly #runs = new LazyMap<string, Run>();
  readonly #size: Record<Lane, number>;
  readonly #used: Record<Lane, number> = { work: 0, control: 0 };

  constructor(size: Record<Lane, number>) {
    this.#size = { ...size };
  }

  get running(): number {
    return this.#runs.size;
  }

  resizeWork(size: number): void {
    this.#size.work = size;
  }

  free(lane: Lane): number {
    return Math.max(0, this.#size[lane] - this.#used[lane]);
  }

  /** Takes a slot; an older run of the same command gives its own back. */
  occupy(run: Run): void {
    const older = this.#runs.get(run.commandId);
    if (older) this.#used[older.lane] -= 1;
    this.#runs.set(run.commandId, run);
    this.#used[run.lane] += 1;
  }

  get(commandId: string): Run | undefined {
    return this.#runs.get(commandId);
  }

  /** The run that this report is about, if it is the one that the agent has. */
  match(report: RunMatch): Run | undefined {
    const run = this.#runs.get(report.commandId);
    return run && run.attempt === report.attempt && run.assignNo === report.assignNo ? run : undefined;
  }

  /** Gives a run's slot back. */
  release(run: Run): void {
    if (this.#runs.get(run.commandId) !== run) return;
    this.#runs.delete(run.commandId);
    this.#used[run.lane] -= 1;
  }
}
