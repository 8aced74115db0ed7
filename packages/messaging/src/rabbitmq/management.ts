import { MessagingError } from "../errors.ts";
import type { BindingSpec } from "./topology.ts";

/** What is asked of the broker's management API. */
export interface ManagementApi {
  /** Has the queue's limits as a policy of its own; none removes it. Policies take the queue's name. */
  setLimits(queue: string, limits: Readonly<Record<string, number>>): Promise<void>;
  /** What brings messages to the queue, but for the default exchange. */
  bindingsOf(queue: string): Promise<BindingSpec[]>;
  /** Names, types and arguments of the queues whose names begin with the prefix. */
  queues(prefix: string): Promise<BrokerQueue[]>;
}

export interface BrokerQueue {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly messages: number;
}

const timeoutMs = 10_000;

/** @throws MessagingError `invalid_definition` when `url` isn't `http(s)://user:password@host:port`. */
export function createManagementApi(url: string, vhost: string): ManagementApi {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new MessagingError(
      "invalid_definition",
      "the management URL isn't one: expected http://user:password@host:15672",
    );
  }
  const user = decodeURIComponent(parsed.username);
  const authorization = `Basic ${Buffer.from(`${user}:${decodeURIComponent(parsed.password)}`).toString("base64")}`;
  const base = `${parsed.protocol}//${parsed.host}${parsed.pathname.replace(/\/$/, "")}/api`;

  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    let response: Response;
    try {
      response = await fetch(base + path, {
        method,
        headers: { authorization, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch (cause) {
      throw new MessagingError("unreachable", `the management API at ${parsed?.host} can't be reached`, { cause });
    }
    if (response.status === 401 || response.status === 403) {
      throw new MessagingError(
        "permission_denied",
        `the management API refuses user "${user}" (${response.status}): setting policies needs the tag policymaker`,
      );
    }
    if (!response.ok && !(method === "DELETE" && response.status === 404)) {
      throw new MessagingError("unreachable", `the management API answered ${response.status} to ${method} ${path}`);
    }
    const text = await response.text();
    return text === "" ? null : JSON.parse(text);
  }

  const at = encodeURIComponent(vhost);
  return {
    setLimits: async (queue, limits) => {
      const path = `/policies/${at}/${encodeURIComponent(queue)}`;
      if (Object.keys(limits).length === 0) {
        await call("DELETE", path);
        return;
      }
      const pattern = `^${queue.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}$`;
      await call("PUT", path, { pattern, definition: limits, priority: 10, "apply-to": "queues" });
    },
    bindingsOf: async (queue) => {
      const all = await call("GET", `/queues/${at}/${encodeURIComponent(queue)}/bindings`);
      if (!Array.isArray(all)) return [];
      return all
        .filter(isBinding)
        .filter(({ source }) => source !== "")
        .map(({ source, routing_key: routingKey }) => ({ exchange: source, queue, routingKey }));
    },
    queues: async (prefix) => {
      const all = await call("GET", `/queues/${at}`);
      if (!Array.isArray(all)) return [];
      // A fresh queue has no counts yet.
      return all.flatMap((queue: unknown) =>
        isQueue(queue) && queue.name.startsWith(prefix) ? [{ ...queue, messages: queue.messages ?? 0 }] : [],
      );
    },
  };
}

function isQueue(value: unknown): value is Omit<BrokerQueue, "messages"> & { messages?: number } {
  return (
    typeof value === "object" &&
    value !== null &&
    "name" in value &&
    typeof value.name === "string" &&
    "arguments" in value
  );
}

function isBinding(value: unknown): value is { source: string; routing_key: string } {
  return (
    typeof value === "object" &&
    value !== null &&
    "source" in value &&
    typeof value.source === "string" &&
    "routing_key" in value &&
    typeof value.routing_key === "string"
  );
}
