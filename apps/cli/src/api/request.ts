/** What is to run, and how. */
export interface Work {
  type?: string;
  command?: string;
  args?: string[];
  parameters?: Record<string, unknown>;
  timeoutSeconds?: number;
  priority?: number;
  idempotencyKey?: string;
  idempotent?: boolean;
  expiresAt?: string;
  retry?: { maxAttempts: number };
}

/** The body of `POST /commands` for one agent. */
export interface CommandRequest extends Work {
  agentId: string;
  allowUnknownAgent?: boolean;
}

/** Whom a rollout is for: agents that fit everything that is said. */
export interface Selector {
  fleet?: string;
  labels?: Record<string, string>;
  /** Types that they offer. */
  capabilities?: string[];
  online?: true;
}

/** The body of `POST /commands` for many agents. */
export interface RolloutRequest extends Work {
  selector: Selector;
  maxConcurrency?: number;
  maxErrors?: number;
  pick?: "one";
  dryRun?: true;
}
