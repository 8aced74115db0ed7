import { randomUUID } from "node:crypto";
import { hashToken, newToken } from "@fleetwire/service";
import type { AgentProfile, Assignment, CommandStore, OutputStream, RunKey } from "../src/store/command-store.ts";

/**
 * An agent whose words reach the store as a session would bring them, one by one, when the test says so: for tests of
 * what operators see of a command in each of its states.
 */
export interface DrivenAgent {
  readonly agentId: string;
  /** Takes the next command that waits for it. */
  take(): Promise<Assignment>;
  start(run: Assignment): Promise<void>;
  /** Appends to the output; resolves to its new end. */
  print(run: Assignment, offset: number, data: Buffer | string, stream?: OutputStream): Promise<number | null>;
  finish(run: Assignment, end?: { exitCode?: number; outputBytes?: number }): Promise<void>;
}

const profile: AgentProfile = {
  fleet: "",
  labels: {},
  types: [{ type: "SHELL", parametersSchema: null }],
  concurrency: 10,
  hostname: "driven",
  platform: "linux",
  version: "1.0.0",
  draining: false,
};

/** Enrols an agent of the company without connecting it. */
export async function enrolAgent(
  store: CommandStore,
  companyId: string,
  agentId = `agent-${randomUUID()}`,
): Promise<string> {
  const token = newToken();
  await store.createJoinToken({
    tokenId: randomUUID(),
    companyId,
    tokenHash: hashToken(token),
    fleet: "",
    agentId: null,
    uses: 1,
    ttlMs: 60_000,
    createdBy: "operator:test",
  });
  const publicKey = Buffer.alloc(32, agentId);
  const outcome = await store.enrol({ agentId, tokenHash: hashToken(token), publicKey, hostname: "driven" });
  if (outcome.kind !== "enrolled") throw new Error(`not enrolled: ${outcome.kind}`);
  return agentId;
}

/** Enrols an agent of the company and opens its session. */
export async function driveAgent(
  store: CommandStore,
  companyId: string,
  change: Partial<AgentProfile> = {},
): Promise<DrivenAgent> {
  const agentId = await enrolAgent(store, companyId);
  const ledgerId = randomUUID();
  const opened = await store.openSession({
    agentId,
    ledgerId,
    seenEpoch: 0,
    highest: 0,
    horizon: 0,
    bootId: randomUUID(),
    held: [],
    profile: { ...profile, ...change },
  });
  if (opened.kind !== "opened") throw new Error(`no session: ${opened.kind}`);
  const key = ({ commandId, attempt, assignNo }: Assignment): RunKey => ({
    agentId,
    ledgerId,
    commandId,
    attempt,
    assignNo,
  });

  return {
    agentId,
    async take() {
      const { assignments } = await store.assign([{ agentId, epoch: opened.epoch, work: 1, control: 1 }]);
      const [assignment] = assignments;
      if (assignment === undefined) throw new Error("nothing waits for this agent");
      return assignment;
    },
    async start(run) {
      const outcome = await store.started({ ...key(run), recorded: true });
      if (outcome !== "applied") throw new Error(`start: ${outcome}`);
    },
    print: (run, offset, data, stream = "stdout") =>
      store.appendOutput({
        agentId,
        ledgerId,
        commandId: run.commandId,
        attempt: run.attempt,
        offset,
        stream,
        data: Buffer.from(data),
      }),
    async finish(run, { exitCode = 0, outputBytes = 0 } = {}) {
      const outcome = await store.result({
        ...key(run),
        recorded: true,
        outcome: "exited",
        exitCode,
        error: null,
        errorMessage: null,
        durationMs: 5,
        outputBytes,
        tail: [],
        startedAgoMs: 5,
        leftRunning: [],
      });
      if (outcome.kind !== "applied" && outcome.kind !== "retried") throw new Error(`result: ${outcome.kind}`);
    },
  };
}
