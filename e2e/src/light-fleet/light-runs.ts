import type { AgentMessageInput, Assign, Cancel, ResultInput } from "@fleetwire/proto";
import { MemoryLedger, type RunRef } from "./memory-ledger.ts";
import { readLine, runSteps } from "./small-shell.ts";

/** Types that an agent answers without its ledger, as often as it is asked. */
const unrecorded = new Set(["PING", "FACTS", "STOP", "RESTART"]);

export interface LightRunsOptions {
  send(message: AgentMessageInput): void;
  executed(commandId: string): void;
  /** The server has given a number for the second time: the agent has to connect again. */
  numberTaken(): void;
}

/** What one light agent is asked to run. */
export class LightRuns {
  readonly ledger = new MemoryLedger();
  readonly #o: LightRunsOptions;

  constructor(options: LightRunsOptions) {
    this.#o = options;
  }

  get running(): number {
    return this.ledger.running;
  }

  assign(frame: Assign): void {
    if (unrecorded.has(frame.type)) {
      const output = frame.type === "FACTS" ? `{"light":true}\n` : "";
      this.#o.send({ result: { ...resultOf(frame, 0, output), recorded: false } });
      return;
    }
    const known = this.ledger.assigned(frame);
    if (known === "number_taken") this.#o.numberTaken();
    else if (known === undefined) this.#run(frame);
    else if (known.state === "done") this.#o.send({ result: known.result });
    else if (known.state === "running") this.#o.send({ started: { ...refOf(frame), recorded: true } });
    else this.#refuse(frame);
  }

  cancel(frame: Cancel): void {
    const known = this.ledger.get(frame);
    if (known === null) return;
    if (known === undefined) this.#refuse(frame);
    else if (known.state === "done") this.#o.send({ result: known.result });
    else if (known.state === "running") {
      known.stop();
      this.#end(frame, { ...resultOf(frame, 143, ""), outcome: "OUTCOME_CANCELLED" });
    }
  }

  #run(frame: Assign): void {
    const steps = frame.type === "SHELL" ? readLine(frame.command) : [];
    let ended = false;
    let stop: (() => void) | null = null;
    this.ledger.set(frame, { state: "running", assignNo: frame.assignNo, stop: () => stop?.() });
    this.#o.executed(frame.commandId);
    const began = performance.now();
    stop = runSteps(steps, ({ exitCode, output }) => {
      ended = true;
      this.#end(frame, { ...resultOf(frame, exitCode, output), durationMs: Math.round(performance.now() - began) });
    });
    if (!ended) this.#o.send({ started: { ...refOf(frame), recorded: true } });
  }

  #end(frame: RunRef, ended: ResultInput): void {
    // It may have got a later number meanwhile.
    const assignNo = this.ledger.get(frame)?.assignNo ?? frame.assignNo;
    const result = { ...ended, assignNo };
    this.ledger.set(frame, { state: "done", assignNo, result });
    this.#o.send({ result });
  }

  #refuse(frame: RunRef): void {
    this.ledger.set(frame, { state: "refused", assignNo: frame.assignNo });
    this.#o.send({ refused: { ...refOf(frame), reason: "REFUSAL_REASON_CANCELLED", recorded: true } });
  }
}

function refOf({ commandId, attempt, assignNo }: RunRef): RunRef {
  return { commandId, attempt, assignNo };
}

function resultOf(run: RunRef, exitCode: number, output: string): ResultInput {
  const data = Buffer.from(output);
  const { commandId, attempt } = run;
  const chunk = { commandId, attempt, offset: 0, stream: "STREAM_STDOUT", data } as const;
  return {
    ...refOf(run),
    outcome: "OUTCOME_EXITED",
    exitCode,
    outputBytes: data.length,
    tail: data.length === 0 ? [] : [chunk],
    recorded: true,
  };
}
