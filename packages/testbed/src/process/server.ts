import { eventually } from "../eventually.ts";
import type { TestProcess } from "./process.ts";

/** A server that a test ends and starts as it likes. An order that has nothing to do does nothing. */
export interface Server {
  /** Of the last one while it is stopped. */
  readonly pid: number;
  /** The newest log lines since its last start. */
  readonly log: readonly string[];
  /** Ends it in order. */
  stop(): Promise<void>;
  /** Starts it on the same ports and data; resolves when it is ready. */
  start(): Promise<void>;
  restart(): Promise<void>;
  /** SIGKILL to its process group; resolves when it is gone. */
  kill9(): Promise<void>;
  /** SIGSTOP: sockets stay open, nothing answers. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

export interface ServerOptions {
  /** Starts the server; resolves when it is ready. */
  spawn: () => Promise<TestProcess>;
  /** How long an orderly shutdown may take, in milliseconds. */
  stopDeadlineMs: number;
}

/**
 * Starts a server.
 *
 * @throws Error as `spawn` does.
 */
export async function startServer({ spawn, stopDeadlineMs }: ServerOptions): Promise<Server> {
  let running = false;
  let paused = false;

  const spawnServer = async (): Promise<TestProcess> => {
    const started = await spawn();
    running = true;
    // Also when nobody here ended it, such as after an order of a client.
    void started.exited.then(() => (running = false));
    return started;
  };
  let server = await spawnServer();

  const self: Server = {
    get pid() {
      return server.pid;
    },
    get log() {
      return server.output;
    },
    stop: async () => {
      if (!running) return;
      if (paused) await self.resume();
      server.signal("SIGTERM");
      await eventually(() => !running, { deadlineMs: stopDeadlineMs, what: "the server's shutdown" });
    },
    start: async () => {
      if (running) return;
      server = await spawnServer();
    },
    restart: async () => {
      await self.stop();
      await self.start();
    },
    kill9: async () => {
      if (!running) return;
      paused = false;
      await server.kill9Group();
    },
    pause: async () => {
      if (!running || paused) return;
      paused = true;
      server.freeze();
    },
    resume: async () => {
      if (!paused) return;
      paused = false;
      server.thaw();
    },
  };
  return self;
}
