/** The few requests that the suite makes as an operator. */
export interface OperatorApi {
  /** Starts a rollout of PING over these labels; resolves with the ms until it was completed. */
  rollout(labels: Record<string, string>): Promise<{ tookMs: number; completed: number; targets: number }>;
}

interface RolloutView {
  status: string;
  counts: { targets: number; completed: number };
}

const pollMs = 20;

export function operatorApi(url: string, token: string): OperatorApi {
  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  return {
    async rollout(labels) {
      const began = performance.now();
      const { rolloutId } = await call<{ rolloutId: string }>("POST", "/commands", {
        type: "PING",
        selector: { labels },
      });
      for (;;) {
        const { status, counts } = await call<RolloutView>("GET", `/rollouts/${rolloutId}`);
        if (status !== "running") return { tookMs: performance.now() - began, ...counts };
        await new Promise((resolve) => setTimeout(resolve, pollMs));
      }
    },
  };
}
