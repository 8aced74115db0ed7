import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll } from "vitest";
import { v7 as uuidv7 } from "uuid";
import { laneOf, type Command } from "../../src/commands/command.ts";
import type {
  AgentProfile,
  Assignment,
  CommandStore,
  NewCommand,
  OpenSession,
  OpenSessionOutcome,
  ResultReport,
  RunKey,
} from "../../src/store/command-store.ts";
import type { StoreSettings } from "../../src/store/settings.ts";

/** One store, empty, and what the suite does to it from outside. */
export interface StoreUnderTest {
  /** The server that `store` was opened for. */
  readonly serverId: string;
  readonly store: CommandStore;
  /** Another server on the same records. */
  openSecond(serverId: string): Promise<CommandStore>;
  close(): Promise<void>;
}

export interface BreakableStore extends StoreUnderTest {
  /** What keeps the records stops answering, as after a crash; `mend` brings it back with everything that was durable. */
  break(): Promise<void>;
  mend(): Promise<void>;
}

/** Opens an empty store of its own with these settings; everything else is default. */
export type OpenStore<S extends StoreUnderTest = StoreUnderTest> = (settings?: Partial<StoreSettings>) => Promise<S>;

/** One store for the tests of a `describe`; each of them uses agents and companies of its own. */
export function useStore<S extends StoreUnderTest>(open: OpenStore<S>, settings?: Partial<StoreSettings>): S {
  let opened: S | null = null;
  beforeAll(async () => {
    opened = await open(settings);
  });
  afterAll(() => opened?.close());
  // What a test asks of it is looked up when the test runs.
  return new Proxy({} as S, {
    get(_, name) {
      if (opened === null) throw new Error("the store is open only while tests run");
      return Reflect.get(opened, name);
    },
  });
}

/** A SHELL command of company `default` for agent `nobody`, stored even if there is no such agent. */
export function newCommand(over: Partial<NewCommand> = {}): NewCommand {
  return {
    commandId: uuidv7(),
    companyId: "default",
    agentId: "nobody",
    type: "SHELL",
    lane: laneOf(over.type ?? "SHELL"),
    command: "uptime",
    args: null,
    parameters: {},
    timeoutMs: 60_000,
    priority: 6,
    idempotent: false,
    retry: null,
    expiresAt: null,
    idempotencyKey: null,
    allowUnknownAgent: true,
    traceparent: null,
    createdBy: "operator:test",
    ...over,
  };
}

/** An id that no other test uses. */
export function fresh(prefix: string): string {
  return `${prefix}-${randomBytes(6).toString("hex")}`;
}

export const profile: AgentProfile = {
  fleet: "",
  labels: {},
  types: [{ type: "SHELL", parametersSchema: null }],
  concurrency: 4,
  hostname: "host",
  platform: "linux",
  version: "0.1.0",
  draining: false,
};

export type Opened = Extract<OpenSessionOutcome, { kind: "opened" }>;

/** An enrolled agent, and the short way to say what the tests say often. */
export interface TestAgent {
  readonly agentId: string;
  readonly companyId: string;
  /** Both, for spreading into a command. */
  readonly ids: { agentId: string; companyId: string };
  /** Of the ledger that `hello` speaks for; assign another one for a lost ledger. */
  ledgerId: string;
  /** Of the session that `connect` opened last. */
  epoch: number;
  hello(over?: Partial<OpenSession>): OpenSession;
  /** Opens a session that has to be opened. */
  connect(over?: Partial<OpenSession>, on?: CommandStore): Promise<Opened>;
  /** Queues a command that has to be queued; resolves to its id. */
  queue(over?: Partial<NewCommand>): Promise<string>;
  assign(slots?: { work?: number; control?: number }, on?: CommandStore): Promise<Assignment[]>;
  /** Queues one command and has it assigned. */
  run(over?: Partial<NewCommand>): Promise<RunKey>;
  /** `run`, and says that it started. */
  start(over?: Partial<NewCommand>): Promise<RunKey>;
  command(commandId: string): Promise<Command>;
}

/** Enrols a new agent with a token of its own. */
export async function enrolAgent(
  store: CommandStore,
  o: { companyId?: string; agentId?: string } = {},
): Promise<TestAgent> {
  const { agentId = fresh("agent"), companyId = fresh("company") } = o;
  const tokenHash = randomBytes(32).toString("hex");
  const token = { tokenId: uuidv7(), companyId, tokenHash, fleet: "blue", agentId: null, uses: 1, ttlMs: 60_000 };
  await store.createJoinToken({ ...token, createdBy: "operator:test" });
  const enrolled = await store.enrol({ agentId, tokenHash, publicKey: randomBytes(32), hostname: "host" });
  if (enrolled.kind !== "enrolled") throw new Error(`enrolling ${agentId}: ${enrolled.kind}`);

  const agent: TestAgent = {
    agentId,
    companyId,
    ids: { agentId, companyId },
    ledgerId: randomUUID(),
    epoch: 0,
    hello: (over = {}) => ({
      agentId,
      ledgerId: agent.ledgerId,
      seenEpoch: agent.epoch,
      highest: 0,
      horizon: 0,
      bootId: randomUUID(),
      held: [],
      profile,
      ...over,
    }),
    async connect(over, on = store) {
      const outcome = await on.openSession(agent.hello(over));
      if (outcome.kind !== "opened") throw new Error(`opening a session: ${outcome.kind}`);
      agent.epoch = outcome.epoch;
      return outcome;
    },
    async queue(over) {
      const outcome = await store.enqueue(newCommand({ agentId, companyId, ...over }));
      if (outcome.kind !== "queued") throw new Error(`queueing: ${outcome.kind}`);
      return outcome.commandId;
    },
    async assign({ work = 1, control = 0 } = {}, on = store) {
      const { assignments, stale } = await on.assign([{ agentId, epoch: agent.epoch, work, control }]);
      if (stale.length > 0) throw new Error(`assigning: the session of ${agentId} is stale`);
      return assignments;
    },
    async run(over) {
      await agent.queue(over);
      const [assignment] = await agent.assign();
      if (assignment === undefined) throw new Error("assigning: nothing was assigned");
      return keyOf(agent, assignment);
    },
    async start(over) {
      const key = await agent.run(over);
      const outcome = await store.started({ ...key, recorded: true });
      if (outcome !== "applied") throw new Error(`starting: ${outcome}`);
      return key;
    },
    async command(commandId) {
      const command = await store.get(companyId, commandId);
      if (command === null) throw new Error(`there is no command ${commandId}`);
      return command;
    },
  };
  return agent;
}

/** How a report names this assignment's run. */
export function keyOf(agent: Pick<TestAgent, "agentId" | "ledgerId">, assignment: Assignment): RunKey {
  const { commandId, attempt, assignNo } = assignment;
  return { agentId: agent.agentId, ledgerId: agent.ledgerId, commandId, attempt, assignNo };
}

/** The run ended with exit code 0 and no output. */
export function exited(key: RunKey, over: Partial<ResultReport> = {}): ResultReport {
  return {
    ...key,
    recorded: true,
    outcome: "exited",
    exitCode: 0,
    error: null,
    errorMessage: null,
    durationMs: 5,
    outputBytes: 0,
    tail: [],
    startedAgoMs: 6,
    leftRunning: [],
    ...over,
  };
}
