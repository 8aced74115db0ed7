import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { constants } from "node:os";
import { type Execution, type ExecutionEnd, failedExecution, type OutputSink } from "./execution.ts";
import { groupKeeper, type RunEnding, type RunKeeper, runKeeper } from "./end-run.ts";
import type { OutputPipe, OutputPipes } from "./output-pipes.ts";
import { endGroup, isGroupAlive } from "./process-group.ts";
import type { ProcessFinder } from "./process-finder.ts";
import { readProcess } from "./process-table.ts";
import type { RunMarker } from "./run-marker.ts";
import { watchStreams } from "./stream-end.ts";

export interface ProcessRequest {
  program: string;
  args: readonly string[];
  /** Has the marker's variables. */
  env: Record<string, string>;
  marker: RunMarker;
  /** Finds its processes also when they leave its group (Linux); null: they aren't looked for. */
  finder: ProcessFinder | null;
  output: OutputSink;
  pipes: OutputPipes;
  /** Between TERM and KILL, ms. */
  killGraceMs: number;
}

/**
 * Runs a program as the leader of a process group of its own, stdin empty.
 *
 * After its exit, its output is read until both streams end. Where a descendant keeps them open, that is until they
 * were quiet for 500 ms, or for 5 s in all; then what is left of the group gets TERM → grace → KILL, and the
 * end says so. Descendants that let go of the output are left alone, since a command may start a service; the end
 * tells those that are found. `stop` ends all that are found, also those that had left the group.
 */
export function runProcess(request: ProcessRequest): Execution {
  const { program, output, killGraceMs } = request;
  let spawned: Spawned;
  try {
    spawned = spawnWithPipes(request);
  } catch (error) {
    // Node throws for what it can't even hand to the system: a NUL in an argument, arguments that are too long.
    return failedExecution("spawn_failed", describe(error, program));
  }
  const { child, stdout, stderr } = spawned;
  const { pid } = child;
  const startedMs = performance.now();
  const keeper = pid === undefined ? null : keeperOf(pid, request);
  const streams = watchStreams([stdout.readEnd, stderr.readEnd]);
  stdout.readEnd.on("data", (data: Buffer) => output.write("stdout", data));
  stderr.readEnd.on("data", (data: Buffer) => output.write("stderr", data));
  child.on("error", () => {}); // `exitOf` sees the one that counts
  let stopping: Promise<RunEnding> | null = null;

  async function end(): Promise<ExecutionEnd> {
    const exit = await exitOf(child);
    if ("error" in exit) {
      await streams.cut();
      return { outcome: "failed", exitCode: -1, error: "spawn_failed", errorMessage: describe(exit.error, program) };
    }
    await stopping;
    let errorMessage = "";
    if (!(await streams.settled())) {
      const inGroup = pid !== undefined && isGroupAlive(pid);
      if (inGroup) await endGroup(pid, killGraceMs);
      errorMessage = `processes that it had started held its output${inGroup ? " and were ended" : ", which was cut off"}`;
      await streams.cut();
    }
    // It may have been asked for only now, while descendants held the output.
    const ending = stopping === null ? null : await stopping;
    if (ending?.gone === false) errorMessage = "processes that it had started couldn't be ended";
    const leftRunning = ending?.left ?? (await keeper?.left(performance.now() - startedMs)) ?? [];
    return { outcome: "exited", exitCode: exit.exitCode, error: "", errorMessage, leftRunning };
  }

  return {
    pid: pid ?? null,
    ended: end(),
    stop() {
      stopping ??= keeper?.end(killGraceMs) ?? null;
    },
    kill: () => keeper?.kill(),
    pause: () => streams.pause(),
    resume: () => streams.resume(),
  };
}

function keeperOf(pid: number, { marker, finder }: ProcessRequest): RunKeeper {
  const leader = process.platform === "linux" && finder !== null ? readProcess(pid) : null;
  return leader === null || finder === null ? groupKeeper(pid) : runKeeper({ leader, marker }, finder);
}

interface Spawned {
  child: ChildProcess;
  stdout: OutputPipe;
  stderr: OutputPipe;
}

function spawnWithPipes({ program, args, env, pipes }: ProcessRequest): Spawned {
  const opened: OutputPipe[] = [];
  try {
    const stdout = pipes.open();
    opened.push(stdout);
    const stderr = pipes.open();
    opened.push(stderr);
    const child = spawn(program, [...args], {
      env,
      detached: true,
      stdio: ["ignore", stdout.writeEnd, stderr.writeEnd],
    });
    return { child, stdout, stderr };
  } catch (error) {
    for (const { readEnd } of opened) readEnd.destroy();
    throw error;
  } finally {
    // The child has its own; an open one here would keep the pipe from ending.
    for (const { writeEnd } of opened) closeSync(writeEnd);
  }
}

async function exitOf(child: ChildProcess): Promise<{ exitCode: number } | { error: Error }> {
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    return { exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) };
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
}

function describe(error: unknown, program: string): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  if (code === "ENOENT") return `there is no program ${program}`;
  if (code === "EACCES") return `${program} may not be executed`;
  return `${program} can't be started (${code})`;
}
