import { stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { silentLog, type DatabaseLog } from "../log.ts";
import { backoffMs } from "../backoff.ts";
import { installedBinaries } from "./binaries.ts";
import {
  ensureRunning,
  locateCluster,
  removeIfUnused,
  stopIfUnused,
  withClusterLock,
  type Cluster,
  type RunningCluster,
  type StopOutcome,
} from "./cluster.ts";
import { clusterFiles } from "./placement.ts";
import { loopbackUrl } from "./server-url.ts";
import { takeSeat, type Seat } from "./seat.ts";

/** A share in the machine's embedded PostgreSQL. */
export interface EmbeddedPostgres {
  /** Of the server: role and password, no database. Stays the same over restarts of the server. */
  readonly url: string;
  readonly port: number;
  /** Of the server as it runs now. */
  readonly pid: number;
  /** Leaves; the last one to leave stops the server and waits until it is gone. May be called twice. */
  close(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** FLEETWIRE_HOME; the cluster is in its folder `postgres`. Created if missing. */
  home: string;
  log: DatabaseLog;
  /** Left out or 0: the one used before, else any free one. */
  port?: number;
}

/**
 * Joins the cluster under `home`; starts it, and creates it, if need be. While it is open, a server that dies is
 * started again on the same port, so pools recover.
 *
 * @throws EmbeddedPostgresError saying what is wrong and what to do.
 */
export async function openEmbeddedPostgres(o: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  return joinCluster(await locateCluster({ home: o.home, log: o.log, native: installedBinaries() }), o.port || null);
}

/**
 * For a stop command, and for clean-up after processes that were killed: stops the server of this home unless a
 * process uses it. Creates nothing.
 */
export async function stopEmbeddedPostgres(home: string, log: DatabaseLog = silentLog): Promise<StopOutcome> {
  return (await withExistingCluster(home, log, stopIfUnused)) ?? { outcome: "not_running" };
}

/**
 * Stops the server of this home and deletes all its data, also what is outside the home (see `placement.ts`).
 * @throws EmbeddedPostgresError `in_use`, with nothing deleted.
 */
export async function removeEmbeddedPostgres(home: string, log: DatabaseLog = silentLog): Promise<void> {
  await withExistingCluster(home, log, removeIfUnused);
}

async function withExistingCluster<R>(
  home: string,
  log: DatabaseLog,
  work: (cluster: Cluster) => Promise<R>,
): Promise<R | null> {
  if ((await stat(clusterFiles(home).folder).catch(() => null)) === null) return null;
  const cluster = await locateCluster({ home, log, native: installedBinaries() });
  return withClusterLock(cluster, () => work(cluster));
}

/** `openEmbeddedPostgres` on a cluster already located. */
export async function joinCluster(cluster: Cluster, port: number | null): Promise<EmbeddedPostgres> {
  let current = await sit(cluster, port);
  const closing = new AbortController();
  const url = loopbackUrl({
    user: "fleetwire",
    password: current.running.record.password,
    port: current.running.postmaster.port,
  });
  const watching = watch();

  async function watch(): Promise<void> {
    for (;;) {
      await current.seat.lost;
      if (closing.signal.aborted) return;
      cluster.log.warn({ pid: current.running.postmaster.pid }, "embedded PostgreSQL is gone; starting it again");
      const again = await sitAgain(cluster, current.running.postmaster.port, closing.signal);
      if (again === null) return;
      current = again;
      cluster.log.info({ pid: again.running.postmaster.pid }, "embedded PostgreSQL is back");
      if (closing.signal.aborted) await current.seat.leave();
    }
  }

  let closed: Promise<void> | undefined;
  async function close(): Promise<void> {
    closing.abort();
    await current.seat.leave();
    await watching;
    // Under the lock, so that a newcomer either comes after the stop, or has its seat before we look.
    await withClusterLock(cluster, () => stopIfUnused(cluster));
  }

  return {
    url,
    port: current.running.postmaster.port,
    get pid() {
      return current.running.postmaster.pid;
    },
    close: () => (closed ??= close()),
  };
}

interface Sitting {
  running: RunningCluster;
  seat: Seat;
}

async function sit(cluster: Cluster, port: number | null): Promise<Sitting> {
  return withClusterLock(cluster, async () => {
    const running = await ensureRunning(cluster, port);
    return { running, seat: await takeSeat(running.record, running.postmaster.port) };
  });
}

/** Tries for ever, on the port that everyone's URLs name; null when `signal` aborts. */
async function sitAgain(cluster: Cluster, port: number, signal: AbortSignal): Promise<Sitting | null> {
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      return await sit(cluster, port);
    } catch (error) {
      cluster.log.error({ err: error, attempt }, "embedded PostgreSQL could not be started again; trying on");
      await delay(backoffMs(attempt), undefined, { signal }).catch(() => {});
    }
  }
  return null;
}
