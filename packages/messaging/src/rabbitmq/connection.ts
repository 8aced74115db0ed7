import { isIP } from "node:net";
import { connect, credentials, type ChannelModel } from "amqplib";
import { describeError, MessagingError } from "../errors.ts";
import type { MessagingLog } from "../log.ts";
import { atMost } from "./at-most.ts";
import { connectionError, isPermanent } from "./connection-error.ts";
import type { ConnectionCounts } from "./metrics.ts";
import type { RabbitMQTarget, RabbitMQTuning } from "./options.ts";
import { reconnectDelayMs } from "./reconnect-delay.ts";
import { socketOf } from "./socket.ts";

/**
 * | from       | on                                            | to         |
 * | ---------- | --------------------------------------------- | ---------- |
 * | idle       | start                                         | connecting |
 * | connecting | the broker lets us in                         | open       |
 * | connecting | it can't work (only before the first success) | failed     |
 * | connecting | it didn't work, attempts are left             | waiting    |
 * | connecting | it didn't work, none is left                  | failed     |
 * | waiting    | the delay is over                             | connecting |
 * | open       | the broker is out of memory or disk           | blocked    |
 * | blocked    | it isn't any more                             | open       |
 * | open, blocked | the connection is lost                     | waiting    |
 * | any        | close                                         | closed     |
 */
export type ConnectionState = "idle" | "connecting" | "open" | "blocked" | "waiting" | "failed" | "closed";

/** One connection, made again for as long as it is wanted. */
export interface BrokerConnection {
  readonly state: ConnectionState;
  /** Undefined while it isn't open (or blocked, which is open too). */
  readonly model: ChannelModel | undefined;
  /** Why it isn't open. */
  readonly problem: MessagingError | undefined;
  /** Resolves when it is open for the first time. @throws MessagingError when it has failed. */
  start(): Promise<void>;
  /** Called each time it opens; at once when it is open. Returns what takes the listener off. */
  onOpen(listener: (model: ChannelModel) => void): () => void;
  onBlocked(listener: (blocked: boolean) => void): () => void;
  /** Ends it in order, or after 2 s without the broker's answer. */
  close(): Promise<void>;
}

export interface ConnectionOptions {
  /** `publish` or `consume`: a blocked publisher mustn't hold up acknowledgements. */
  role: string;
  target: RabbitMQTarget;
  tuning: RabbitMQTuning;
  lifetime: "service" | "program";
  /** Shown by the broker. */
  name: string;
  counts: ConnectionCounts;
  random: () => number;
  log: MessagingLog;
}

const closeMs = 2_000;

export function createConnection(options: ConnectionOptions): BrokerConnection {
  const { role, target, tuning, lifetime, counts, random, log } = options;
  let state: ConnectionState = "idle";
  let model: ChannelModel | undefined;
  let problem: MessagingError | undefined;
  let attempts = 0;
  let wasOpen = false;
  let nextHost = Math.floor(random() * target.hosts.length);
  let timer: NodeJS.Timeout | undefined;
  const openListeners = new Set<(model: ChannelModel) => void>();
  const blockedListeners = new Set<(blocked: boolean) => void>();
  const first = Promise.withResolvers<void>();
  // A caller may never ask.
  first.promise.catch(() => {});

  function become(next: ConnectionState): void {
    state = next;
    counts.state(role, next);
  }

  async function attempt(): Promise<void> {
    become("connecting");
    attempts += 1;
    const host = target.hosts[nextHost % target.hosts.length] ?? { host: "localhost", port: 5672 };
    nextHost += 1;
    let opened: ChannelModel;
    try {
      opened = await open(host, options);
    } catch (cause) {
      if (isClosed()) return;
      counts.failure(role);
      failed(connectionError(cause, target, host));
      return;
    }
    if (isClosed()) {
      void closeModel(opened);
      return;
    }
    counts.success(role);
    adopt(opened, host);
  }

  function failed(error: MessagingError): void {
    problem = error;
    const used = lifetime === "program" && attempts >= tuning.maxReconnectAttempts;
    const everyHostTried = attempts >= target.hosts.length;
    if (used || (!wasOpen && isPermanent(error) && everyHostTried)) {
      become("failed");
      log.error({ code: error.code, err: error.message, attempts, connection: role }, "giving up on RabbitMQ");
      first.reject(error);
      return;
    }
    wait(error);
  }

  function wait(error: MessagingError): void {
    become("waiting");
    const delayMs = reconnectDelayMs(attempts, tuning.reconnectDelayMs, random);
    const words = { code: error.code, err: error.message, attempts, delayMs: Math.round(delayMs), connection: role };
    if (isPermanent(error)) log.error(words, "RabbitMQ lets us in no more; trying on");
    else log.warn(words, "no connection to RabbitMQ; trying on");
    timer = setTimeout(() => void attempt(), delayMs);
  }

  function adopt(opened: ChannelModel, host: { host: string; port: number }): void {
    model = opened;
    problem = undefined;
    attempts = 0;
    wasOpen = true;
    const { version } = opened.connection.serverProperties;
    let cause: unknown;
    opened.on("error", (error) => (cause ??= error));
    const lost = (error: unknown): void => {
      if (model !== opened) return;
      model = undefined;
      // amqplib only says goodbye; a peer that is gone never answers, and the socket would stay.
      socketOf(opened)?.destroy();
      if (isClosed()) return;
      const reason = cause ?? error ?? "closed by the broker";
      const loss = new MessagingError("unreachable", `the connection to RabbitMQ was lost: ${describeError(reason)}`, {
        cause: reason,
      });
      problem = loss;
      // The next connection says for itself whether it is blocked.
      if (state === "blocked") for (const listener of blockedListeners) listener(false);
      wait(loss);
    };
    opened.on("close", lost);
    opened.on("blocked", (reason) => blocked(true, reason));
    opened.on("unblocked", () => blocked(false, ""));
    become("open");
    log.info({ host: host.host, port: host.port, version, connection: role }, "connected to RabbitMQ");
    for (const listener of openListeners) listener(opened);
    first.resolve();
    // A close that came together with the last word of the handshake was told before anybody listened.
    opened.createChannel().then((probe) => void probe.close().catch(() => {}), lost);
  }

  function blocked(isBlocked: boolean, reason: string): void {
    become(isBlocked ? "blocked" : "open");
    if (isBlocked) log.warn({ reason, connection: role }, "RabbitMQ takes no messages: publishes wait");
    else log.info({ connection: role }, "RabbitMQ takes messages again");
    for (const listener of blockedListeners) listener(isBlocked);
  }

  function isClosed(): boolean {
    return state === "closed";
  }

  return {
    get state() {
      return state;
    },
    get model() {
      return model;
    },
    get problem() {
      return problem;
    },
    start: () => {
      if (state === "idle") void attempt();
      return first.promise;
    },
    onOpen: (listener) => {
      openListeners.add(listener);
      if (model !== undefined) listener(model);
      return () => void openListeners.delete(listener);
    },
    onBlocked: (listener) => {
      blockedListeners.add(listener);
      return () => void blockedListeners.delete(listener);
    },
    close: async () => {
      if (isClosed()) return;
      become("closed");
      clearTimeout(timer);
      first.reject(new MessagingError("closed", "the connection to RabbitMQ was closed"));
      const last = model;
      model = undefined;
      if (last !== undefined) await closeModel(last);
    },
  };
}

function open(
  host: { host: string; port: number },
  { target, tuning, name, role }: ConnectionOptions,
): Promise<ChannelModel> {
  const { tls } = target;
  const external = tls?.cert !== undefined && target.password === "";
  const serverName = tls?.serverName ?? host.host;
  return connect(
    {
      protocol: tls === null ? "amqp" : "amqps",
      hostname: host.host,
      port: host.port,
      username: target.username,
      password: target.password,
      // amqplib decodes it also here.
      vhost: encodeURIComponent(target.vhost),
      heartbeat: Math.max(1, Math.round(tuning.heartbeatMs / 1_000)),
    },
    {
      noDelay: true,
      timeout: tuning.connectTimeoutMs,
      clientProperties: { connection_name: `${name} ${role}`, product: "fleetwire" },
      ...(external ? { credentials: credentials.external() } : {}),
      ...(tls === null
        ? {}
        : {
            ...(tls.ca === undefined ? {} : { ca: tls.ca }),
            ...(tls.cert === undefined ? {} : { cert: tls.cert }),
            ...(tls.key === undefined ? {} : { key: tls.key }),
            ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
            rejectUnauthorized: tls.skipVerify !== true,
          }),
    },
  );
}

/** The broker may never answer. */
async function closeModel(model: ChannelModel): Promise<void> {
  await atMost(closeMs, model.close());
  // amqplib ends the socket in order, which a peer that is gone never answers: without this it holds the process.
  socketOf(model)?.destroy();
}
