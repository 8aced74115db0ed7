import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "@fleetwire/service";
import { projectRoot } from "./config.ts";
import type { OperatorApi } from "./operator-api.ts";

export interface DemoAgentOptions {
  agentId: string;
  home: string;
  grpcAddress: string;
  api: OperatorApi;
  environment: Record<string, string | undefined>;
  /** Where its stdout and stderr go: a file descriptor. */
  output: number;
  log: Logger;
}

/** An agent as a process of its own. It ends when this process does, however that comes about. */
export interface DemoAgent {
  readonly pid: number;
  /** Resolves with a sentence when it has ended. */
  readonly ended: Promise<string>;
  /** Asks it to end; resolves when it is gone, which it is made after `graceMs`. */
  stop(graceMs: number): Promise<void>;
  /** At once, without waiting. */
  kill(): void;
}

/** Starts `fleetwire-agent` with a data directory under the home; it enrols with a join token of its own. */
export async function startDemoAgent(options: DemoAgentOptions): Promise<DemoAgent> {
  const { agentId, home, grpcAddress, api, log } = options;
  const data = join(home, "agents", agentId);
  // Its key went with its directory: the id has to be free for a new one.
  if (!existsSync(data) && (await api.agentStatus(agentId)) !== null) await api.revokeAgent(agentId);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const joinToken = await api.createJoinToken({ agentId, uses: 1, ttlSeconds: 600 });

  const endWithParent = new URL("./end-with-parent.ts", import.meta.url).href;
  const launcher = join(projectRoot, "apps/agent/src/launcher.ts");
  const flags = [
    "--server",
    grpcAddress,
    "--id",
    agentId,
    "--data-dir",
    data,
    "--drain-grace",
    "2s",
    "--kill-grace",
    "2s",
  ];
  const child = spawn(process.execPath, [...process.execArgv, "--import", endWithParent, launcher, ...flags], {
    // A group of its own: Ctrl-C reaches this process alone, which then ends things in order.
    detached: true,
    stdio: ["pipe", options.output, options.output],
    env: { ...options.environment, FLEETWIRE_JOIN_TOKEN: joinToken },
    cwd: data,
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`the agent ${agentId} can't be started: ${error.message}`));
    child.once("exit", (code, signal) => resolve(`the agent ${agentId} ended (${signal ?? `exit code ${code}`})`));
  });
  // Its end of the pipe may close first.
  child.stdin?.on("error", () => undefined);
  const { pid } = child;
  if (pid === undefined) throw new Error(await ended);
  log.info({ agentId, pid }, "demo agent started");

  const kill = () => {
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // Its group is gone already.
    }
  };
  return {
    pid,
    ended,
    kill,
    async stop(graceMs) {
      child.stdin?.end();
      const late = setTimeout(kill, graceMs);
      await ended;
      clearTimeout(late);
    },
  };
}
