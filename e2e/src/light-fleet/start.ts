import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { LightFleetOptions } from "./light-fleet.ts";
import type { LightAnswer, LightRequest } from "./process.ts";
import type { LightFleetStats } from "./stats.ts";

/** Light agents in a process of their own; it ends with this one, however that ends. */
export interface LightFleetProcess {
  readonly pid: number;
  /** Resolves when they are enrolled; they connect by themselves from then on. */
  add(options: LightFleetOptions): Promise<LightFleetHandle>;
  stop(): Promise<void>;
}

export interface LightFleetHandle {
  stats(): Promise<LightFleetStats>;
  /** Waits until this many are connected. Rejects after the deadline with what was seen. */
  connected(count: number, deadlineMs?: number): Promise<LightFleetStats>;
  /** Cuts the agents off for good. */
  close(): Promise<void>;
}

export function startLightFleet(): LightFleetProcess {
  const entry = fileURLToPath(new URL("process.ts", import.meta.url));
  const child = fork(entry, { execArgv: ["--conditions=@fleetwire/source"], env: { PATH: process.env["PATH"] } });
  const waiting = new Map<number, { resolve: (answer: LightAnswer) => void; reject: (error: Error) => void }>();
  const exited = once(child, "exit");
  let asked = 0;
  child.on("message", ({ id, answer }: { id: number; answer: LightAnswer }) => {
    waiting.get(id)?.resolve(answer);
    waiting.delete(id);
  });
  child.once("exit", (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`light agents ended with ${signal ?? code}`));
    waiting.clear();
  });

  async function ask(request: LightRequest): Promise<Exclude<LightAnswer, { error: string }>> {
    const id = (asked += 1);
    const answer = await new Promise<LightAnswer>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      child.send({ id, request });
    });
    if ("error" in answer) throw new Error(answer.error);
    return answer;
  }

  return {
    pid: child.pid ?? 0,
    async add(options) {
      const { fleet } = await ask({ kind: "add", options });
      const stats = async (): Promise<LightFleetStats> => (await ask({ kind: "stats", fleet })).stats;
      return {
        stats,
        connected: (count, deadlineMs = 60_000) => untilConnected(stats, count, deadlineMs),
        close: async () => void (await ask({ kind: "close", fleet })),
      };
    },
    async stop() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

async function untilConnected(
  stats: () => Promise<LightFleetStats>,
  count: number,
  deadlineMs: number,
): Promise<LightFleetStats> {
  const giveUpAt = performance.now() + deadlineMs;
  for (;;) {
    const seen = await stats();
    if (seen.connected >= count) return seen;
    if (performance.now() > giveUpAt) {
      throw new Error(`${seen.connected} of ${count} light agents within ${deadlineMs} ms: ${JSON.stringify(seen)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
