import type { Channel, ChannelModel, ConfirmChannel } from "amqplib";
import { describeError } from "../errors.ts";
import type { MessagingLog } from "../log.ts";
import { atMost } from "./at-most.ts";
import type { BrokerConnection } from "./connection.ts";

/**
 * A channel that is opened again whenever it is lost, with its connection or alone (the broker closes a channel for
 * what it takes for a mistake).
 *
 * | from    | on                                        | to      |
 * | ------- | ----------------------------------------- | ------- |
 * | absent  | its connection is open                    | opening |
 * | opening | opened and set up                         | ready   |
 * | opening | that failed; after a pause, if connected  | absent  |
 * | ready   | the channel or its connection is lost     | absent  |
 * | any     | close                                     | closed  |
 */
export interface ManagedChannel {
  readonly state: "absent" | "opening" | "ready" | "closed";
  /** Loses the channel on purpose: it opens anew. */
  reopen(): void;
  close(): Promise<void>;
}

export interface ManagedChannelOptions<C extends Channel> {
  connection: BrokerConnection;
  name: string;
  open: (model: ChannelModel) => Promise<C>;
  /** Brings a fresh channel to use; when it throws, the channel is closed and tried again. */
  setUp: (channel: C) => Promise<void>;
  /** The channel is gone, whatever was on it too. `error` is the broker's reason, if it gave one. */
  lost: (channel: C, error: unknown) => void;
  /** Whether trying again is of no use after this error; the state stays absent until `reopen`. */
  isFinal?: (error: unknown) => boolean;
  log: MessagingLog;
}

const shortestPauseMs = 100;
const longestPauseMs = 5_000;

export const openPlain = (model: ChannelModel): Promise<Channel> => model.createChannel();
export const openConfirm = (model: ChannelModel): Promise<ConfirmChannel> => model.createConfirmChannel();

export function manageChannel<C extends Channel>(options: ManagedChannelOptions<C>): ManagedChannel {
  const { connection, name, log } = options;
  let state: ManagedChannel["state"] = "absent";
  let current: C | undefined;
  let currentModel: ChannelModel | undefined;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;

  async function openOn(model: ChannelModel): Promise<void> {
    if (state !== "absent") return;
    state = "opening";
    let channel: C | undefined;
    try {
      channel = await options.open(model);
      if (isClosed()) {
        void closeQuietly(channel);
        return;
      }
      watch(channel);
      currentModel = model;
      await options.setUp(channel);
      if (isClosed()) return;
      if (current !== channel) throw new Error("it was lost while it was set up");
      state = "ready";
      failures = 0;
    } catch (error) {
      if (isClosed()) return;
      state = "absent";
      const closing = channel;
      if (current === closing) current = undefined;
      if (closing !== undefined) void closeQuietly(closing);
      if (options.isFinal?.(error) === true) return;
      log.warn({ channel: name, err: describeError(error) }, "a channel can't be opened; trying on");
      retryLater();
    }
  }

  function watch(channel: C): void {
    current = channel;
    let cause: unknown;
    channel.on("error", (error) => (cause = error));
    channel.on("close", () => {
      if (current !== channel) return;
      current = undefined;
      const wasReady = state === "ready";
      if (!isClosed() && wasReady) state = "absent";
      options.lost(channel, cause);
      if (isClosed() || !wasReady) return;
      if (cause !== undefined)
        log.warn({ channel: name, err: describeError(cause) }, "RabbitMQ closed a channel; opening another");
      retryLater();
    });
  }

  function retryLater(): void {
    failures += 1;
    clearTimeout(timer);
    timer = setTimeout(
      () => {
        if (connection.model !== undefined) void openOn(connection.model);
      },
      failures === 1 ? 0 : Math.min(shortestPauseMs * 2 ** (failures - 2), longestPauseMs),
    );
  }

  function isClosed(): boolean {
    return state === "closed";
  }

  const off = connection.onOpen((model) => {
    // A channel of an earlier connection is gone, whether it said so or not.
    if (current !== undefined && currentModel !== model && !isClosed()) {
      const gone = current;
      current = undefined;
      state = "absent";
      options.lost(gone, undefined);
    }
    void openOn(model);
  });
  return {
    get state() {
      return state;
    },
    reopen: () => {
      if (isClosed()) return;
      if (current !== undefined) void closeQuietly(current);
      else if (connection.model !== undefined) void openOn(connection.model);
    },
    close: async () => {
      if (isClosed()) return;
      state = "closed";
      off();
      clearTimeout(timer);
      if (current !== undefined) await closeQuietly(current);
    },
  };
}

function closeQuietly(channel: Channel): Promise<void> {
  return atMost(
    1_000,
    // It throws when it is closed already.
    Promise.resolve().then(() => channel.close()),
  );
}
