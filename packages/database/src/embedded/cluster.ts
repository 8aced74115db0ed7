import { mkdir, realpath, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { claimData, removeAbandonedData } from "./abandoned-data.ts";
import { runnableBinaries } from "./binaries.ts";
import { newClusterRecord, readClusterRecord, writeClusterRecord, type ClusterRecord } from "./cluster-record.ts";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";
import { withFileLock } from "./file-lock.ts";
import { initialise, isInitialised } from "./initialise.ts";
import { launchPostmaster } from "./launch.ts";
import { canReach, chooseOsUser, type OsUser } from "./os-user.ts";
import {
  clusterFiles,
  createClusterFolder,
  dataFolderOf,
  placeData,
  reachableClusters,
  type ClusterFiles,
} from "./placement.ts";
import { describePortHolder, freePort, isPortFree } from "./port.ts";
import { stopPostmaster, waitUntilReady, type Postmaster } from "./postmaster.ts";
import { seatedProcesses } from "./seat.ts";
import type { DatabaseLog } from "../log.ts";

const lockDeadlineMs = 120_000;
const startDeadlineMs = 90_000;
const portAttempts = 3;

/** One cluster on disk. Its functions are called with the file lock held (`withClusterLock`). */
export interface Cluster {
  files: ClusterFiles;
  /** The folder with the PostgreSQL binaries. */
  native: string;
  log: DatabaseLog;
}

export interface RunningCluster {
  record: ClusterRecord;
  dataFolder: string;
  postmaster: Postmaster;
  /** It didn't run before: we started it. */
  started: boolean;
}

/** The home is created if missing, and named by its real path, so that two ways to it are one cluster. */
export async function locateCluster(o: { home: string; native: string; log: DatabaseLog }): Promise<Cluster> {
  await mkdir(o.home, { recursive: true });
  const files = clusterFiles(await realpath(o.home));
  await createClusterFolder(files);
  return { files, native: o.native, log: o.log };
}

export async function withClusterLock<R>(cluster: Cluster, work: () => Promise<R>): Promise<R> {
  return withFileLock(cluster.files.lock, lockDeadlineMs, work);
}

/** The cluster as it runs now, or null. */
async function findRunning(cluster: Cluster): Promise<RunningCluster | null> {
  const record = await readClusterRecord(cluster.files.record);
  if (record === null) return null;
  const dataFolder = dataFolderOf(cluster.files, record.dataFolder);
  const giveUpAt = performance.now() + startDeadlineMs;
  const postmaster = await waitUntilReady(dataFolder, (seen) => seen === null || performance.now() > giveUpAt);
  return postmaster === null ? null : { record, dataFolder, postmaster, started: false };
}

/**
 * The cluster, running: found (whoever started it, with or without users), started, or created and started.
 * @param port null: the recorded one if it is free, else any
 */
export async function ensureRunning(cluster: Cluster, port: number | null): Promise<RunningCluster> {
  const running = await findRunning(cluster);
  if (running !== null && (port === null || running.postmaster.port === port)) return running;
  if (running !== null) await stopForOtherPort(running, port);
  return start(cluster, port);
}

/** What became of a cluster that was asked to stop; `pids`: the processes that use it. */
export type StopOutcome = { outcome: "stopped" | "not_running" } | { outcome: "in_use"; pids: number[] };

/** Stops the cluster unless someone has a seat. */
export async function stopIfUnused(cluster: Cluster): Promise<StopOutcome> {
  const running = await findRunning(cluster);
  if (running === null) return { outcome: "not_running" };
  const pids = await seatedProcesses(running.record, running.postmaster.port);
  if (pids.length > 0) return { outcome: "in_use", pids };
  await stopPostmaster(running.postmaster, running.dataFolder);
  cluster.log.info({ pid: running.postmaster.pid }, "embedded PostgreSQL stopped");
  return { outcome: "stopped" };
}

/** Stops the cluster and deletes its data, wherever it is, and its record. */
export async function removeIfUnused(cluster: Cluster): Promise<void> {
  const stopped = await stopIfUnused(cluster);
  if (stopped.outcome === "in_use") {
    throw new EmbeddedPostgresError(
      "in_use",
      `the embedded PostgreSQL is used by the processes ${stopped.pids.join(", ")}`,
      "stop them first.",
    );
  }
  const record = await readClusterRecord(cluster.files.record);
  if (record?.dataFolder) await rm(dirname(record.dataFolder), { recursive: true, force: true });
  // The record last: as long as there is data, so are its passwords.
  await rm(dataFolderOf(cluster.files, null), { recursive: true, force: true });
  await rm(cluster.files.serverLog, { force: true });
  await rm(cluster.files.record, { force: true });
}

async function start(cluster: Cluster, port: number | null): Promise<RunningCluster> {
  const begun = performance.now();
  const known = await readClusterRecord(cluster.files.record);
  const user = await chooseOsUser(dataFolderOf(cluster.files, known?.dataFolder ?? null));
  const native = await runnableBinaries(cluster.native, user);
  const record = known ?? (await createRecord(cluster, user));
  const dataFolder = dataFolderOf(cluster.files, record.dataFolder);
  const initialised = await isInitialised(dataFolder);
  // A port was noted, so a server has run: an empty database in its place would look like a loss of everything.
  if (!initialised && record.port !== null) throw lostData(cluster, dataFolder);
  if (record.dataFolder !== null) await claimData(dataFolder, cluster.files.record);
  if (!initialised) {
    await initialise({ native, dataFolder, user, adminPassword: record.adminPassword });
  }
  await requireReach(user, dataFolder);
  const launch = { native, dataFolder, user, serverLog: cluster.files.serverLog, deadlineMs: startDeadlineMs };
  for (let attempt = 1; ; attempt += 1) {
    const chosen = await choosePort(port, attempt === 1 ? record.port : null);
    try {
      const postmaster = await launchPostmaster({ ...launch, port: chosen });
      const current = { ...record, port: postmaster.port };
      if (record.port !== postmaster.port) await writeClusterRecord(cluster.files.record, current);
      const tookMs = Math.round(performance.now() - begun);
      cluster.log.info(
        { pid: postmaster.pid, port: postmaster.port, dataFolder, tookMs },
        "embedded PostgreSQL started",
      );
      if (user !== null) await removeAbandonedData(reachableClusters, cluster.log);
      return { record: current, dataFolder, postmaster, started: true };
    } catch (error) {
      const portLost = port === null && !(await isPortFree(chosen));
      if (!portLost || attempt === portAttempts) throw error;
    }
  }
}

/** The passwords are on disk before the data that needs them. */
async function createRecord(cluster: Cluster, user: OsUser | null): Promise<ClusterRecord> {
  if (await isInitialised(dataFolderOf(cluster.files, null))) {
    throw new EmbeddedPostgresError(
      "damaged",
      `${cluster.files.folder} has data, but ${cluster.files.record}, which holds its passwords, is gone`,
      "restore that file from a backup, or move the folder away to begin anew.",
    );
  }
  const record = newClusterRecord(await placeData(cluster.files, user));
  await writeClusterRecord(cluster.files.record, record);
  return record;
}

function lostData(cluster: Cluster, dataFolder: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    "damaged",
    `${cluster.files.record} says that there is data in ${dataFolder}, but it is gone`,
    `restore that folder (in a container: keep it on a volume), or delete ${cluster.files.folder} to begin anew.`,
  );
}

async function requireReach(user: OsUser | null, dataFolder: string): Promise<void> {
  if (user === null || (await canReach(user, dataFolder))) return;
  throw new EmbeddedPostgresError(
    "no_access",
    `PostgreSQL runs as ${user.name}, who can't get into ${dataFolder}: a folder above it was closed since the data was made`,
    "give others the right to pass (`chmod o+x`) the folders above it, or choose another FLEETWIRE_HOME.",
  );
}

async function choosePort(given: number | null, recorded: number | null): Promise<number> {
  if (given === null || given === 0) return recorded !== null && (await isPortFree(recorded)) ? recorded : freePort();
  if (await isPortFree(given)) return given;
  throw new EmbeddedPostgresError(
    "port_taken",
    `port ${given}, meant for the embedded PostgreSQL, is taken by ${await describePortHolder(given)}`,
    "stop that process, or give another port (none: a free one is chosen).",
  );
}

async function stopForOtherPort(running: RunningCluster, port: number | null): Promise<void> {
  const pids = await seatedProcesses(running.record, running.postmaster.port);
  if (pids.length > 0) {
    throw new EmbeddedPostgresError(
      "other_port",
      `the embedded PostgreSQL runs on port ${running.postmaster.port} for the processes ${pids.join(", ")}, not on ${port}`,
      "give the same port, none, or stop those processes first.",
    );
  }
  await stopPostmaster(running.postmaster, running.dataFolder);
}
