import type { Logger } from "@fleetwire/service";
import type { AgentProfile, CommandStore } from "../store/command-store.ts";
import type { StopSignal } from "./stop-signal.ts";
import { untilStored } from "./store-retry.ts";

/** Stores what an agent says about itself while connected: one write at a time, and of what comes meanwhile the last. */
export class ProfileWriter {
  readonly #o: { store: CommandStore; log: Logger; signal: StopSignal; agentId: string; epoch: number };
  #next: AgentProfile | null = null;
  #writing = false;

  constructor(options: { store: CommandStore; log: Logger; signal: StopSignal; agentId: string; epoch: number }) {
    this.#o = options;
  }

  write(profile: AgentProfile): void {
    this.#next = profile;
    if (!this.#writing) void this.#run();
  }

  async #run(): Promise<void> {
    const { store, log, signal, agentId, epoch } = this.#o;
    this.#writing = true;
    try {
      for (let profile = this.#take(); profile; profile = this.#take()) {
        const current = profile;
        await untilStored(() => store.updateProfile(agentId, epoch, current), { signal, log, what: "profile" });
      }
    } catch (error) {
      if (!signal.aborted) log.error({ err: error, agentId, epoch }, "a profile couldn't be stored");
    } finally {
      this.#writing = false;
    }
  }

  #take(): AgentProfile | null {
    const next = this.#next;
    this.#next = null;
    return next;
  }
}
