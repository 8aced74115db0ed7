import { randomUUID } from "node:crypto";

/** What a broker's management API does for a test. */
export interface Management {
  /**
   * One request of the management API, such as `api("PUT", "/api/queues/%2F/jobs", { durable: true })`; gives the parsed
   * JSON, or undefined where the answer has no content.
   * @throws Error with status and body for an answer other than 2xx; that of the connection; after 30 s without one.
   */
  api(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Makes an empty vhost of an unused name, on which the administrator may do everything. */
  createVhost(): Promise<{ name: string; url: string }>;
  deleteVhost(name: string): Promise<void>;
  /** Makes a user, or changes one, and gives it permissions on one vhost. */
  addUser(user: UserOptions): Promise<void>;
}

export interface UserOptions {
  name: string;
  /** Not given: none is right, as for a user who shows a certificate. */
  password?: string;
  vhost: string;
  /** Regular expressions: the names of queues and exchanges that it may declare, write to, read from. */
  configure: string;
  write: string;
  read: string;
  /** Such as `["monitoring"]`; default: none. */
  tags?: readonly string[];
}

export interface ManagementOptions {
  /** Without a path. */
  managementUrl: string;
  user: string;
  password: string;
  /** The AMQP URL of a vhost. */
  url: (vhost: string) => string;
}

const answerDeadlineMs = 30_000;
const everything = { configure: ".*", write: ".*", read: ".*" };

export function createManagement({ managementUrl, user, password, url }: ManagementOptions): Management {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

  const api: Management["api"] = async (method, path, body) => {
    const response = await fetch(`${managementUrl}${path}`, {
      method,
      // One kept open could be one to a broker that was killed meanwhile.
      headers: { authorization, connection: "close", "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(answerDeadlineMs),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? undefined : (JSON.parse(text) as unknown);
  };

  const permit = (vhost: string, name: string, permissions: typeof everything) =>
    api("PUT", `/api/permissions/${encodeURIComponent(vhost)}/${encodeURIComponent(name)}`, permissions);

  return {
    api,
    createVhost: async () => {
      const name = `test-${randomUUID()}`;
      await api("PUT", `/api/vhosts/${name}`, {});
      await permit(name, user, everything);
      return { name, url: url(name) };
    },
    deleteVhost: async (name) => void (await api("DELETE", `/api/vhosts/${encodeURIComponent(name)}`)),
    addUser: async ({ name, password: own, vhost, configure, write, read, tags = [] }) => {
      const secret = own === undefined ? { password_hash: "" } : { password: own };
      await api("PUT", `/api/users/${encodeURIComponent(name)}`, { ...secret, tags: tags.join(",") });
      await permit(vhost, name, { configure, write, read });
    },
  };
}
