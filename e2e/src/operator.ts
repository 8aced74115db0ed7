/** The command-server's HTTP API, as a test uses it: no retries, no client library, every answer checked. */
export interface Operator {
  /** Queues a command and answers its id. Throws with the server's words when it isn't accepted. */
  queue(body: Record<string, unknown>): Promise<string>;
  /** Starts a rollout. */
  rollout(body: Record<string, unknown>): Promise<{ rolloutId: string; targets: number }>;
  rolloutView(rolloutId: string): Promise<RolloutView>;
  /** A page of its commands. */
  rolloutResults(
    rolloutId: string,
    query: string,
  ): Promise<{ items: { commandId: string; status: string }[]; nextCursor: string | null }>;
  get(commandId: string): Promise<CommandView>;
  cancel(commandId: string): Promise<void>;
  /** The raw stored output. */
  output(commandId: string): Promise<string>;
  /** A page of commands, newest first. */
  list(query: string): Promise<{ items: CommandView[]; nextCursor: string | null }>;
  /** The whole feed so far. */
  events(): Promise<FeedEvent[]>;
  agent(agentId: string): Promise<AgentView | null>;
  /** A new join token, and until when it is good (server clock, ms since 1970). */
  joinToken(request: {
    uses?: number;
    ttlSeconds?: number;
    agentId?: string;
  }): Promise<{ token: string; untilMs: number }>;
  revoke(agentId: string): Promise<void>;
  request(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
}

export interface CommandView {
  commandId: string;
  agentId: string;
  status: string;
  attempt: number;
  queuedAt: string;
  startedAt?: string;
  assignedAt?: string;
  finishedAt?: string;
  cancelRequestedAt?: string;
  result?: {
    exitCode?: number;
    output: string;
    truncated: boolean;
    outputBytes?: number;
    error?: string;
    durationMs?: number;
  };
  lateResult?: unknown;
}

export interface RolloutView {
  rolloutId: string;
  status: string;
  counts: Record<string, number>;
}

export interface FeedEvent {
  kind: string;
  agentId: string;
  commandId?: string;
  data: { reason?: string; epoch?: number };
}

export interface AgentView {
  agentId: string;
  status: string;
  epoch: number;
  /** Where its session is. */
  serverId: string | null;
  disconnectReason?: string;
}

const terminal = new Set(["completed", "failed", "timeout", "cancelled", "expired"]);

/** Whether nothing follows this state. */
export function ended(view: CommandView): boolean {
  return terminal.has(view.status);
}

export function connectOperator(url: string, token: string): Operator {
  const request: Operator["request"] = async (method, path, body) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    const json = (response.headers.get("content-type") ?? "").includes("json");
    return { status: response.status, body: json ? (JSON.parse(text) as unknown) : text };
  };
  const expect = async <T>(method: string, path: string, allowed: readonly number[], body?: unknown): Promise<T> => {
    const answer = await request(method, path, body);
    if (!allowed.includes(answer.status)) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body as T;
  };
  return {
    request,
    queue: async (body) => (await expect<{ commandId: string }>("POST", "/commands", [202], body)).commandId,
    rollout: (body) => expect("POST", "/commands", [202], body),
    rolloutView: (id) => expect<RolloutView>("GET", `/rollouts/${id}`, [200]),
    rolloutResults: (id, query) => expect("GET", `/rollouts/${id}/results?${query}`, [200]),
    get: (id) => expect<CommandView>("GET", `/commands/${id}`, [200]),
    cancel: async (id) => void (await expect("POST", `/commands/${id}/cancel`, [200, 202])),
    output: (id) => expect<string>("GET", `/commands/${id}/output`, [200]),
    list: (query) => expect("GET", `/commands?${query}`, [200]),
    events: async () => {
      const all: FeedEvent[] = [];
      for (let cursor: string | undefined; ;) {
        const query = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
        const page = await expect<{ items: FeedEvent[]; nextCursor: string }>(
          "GET",
          `/events?limit=500${query}`,
          [200],
        );
        all.push(...page.items);
        if (page.items.length === 0) return all;
        cursor = page.nextCursor;
      }
    },
    agent: async (id) => {
      const answer = await request("GET", `/agents/${id}`);
      return answer.status === 200 ? (answer.body as AgentView) : null;
    },
    joinToken: async (body) => {
      const answer = await expect<{ token: string; expiresAt: string }>("POST", "/join-tokens", [201], body);
      return { token: answer.token, untilMs: Date.parse(answer.expiresAt) };
    },
    revoke: async (id) => void (await expect("POST", `/agents/${id}/revoke`, [200, 202, 204])),
  };
}
