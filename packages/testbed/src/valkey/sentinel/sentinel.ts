import { eventually } from "../../eventually.ts";
import { type Address, sendCommand } from "../command.ts";
import { quoted } from "../configuration.ts";
import { startValkey, type TestValkey, type ValkeyOptions } from "../valkey.ts";
import { askForPrimary, isComplete, replicasInStep, type View } from "./view.ts";
import { type Watcher, startWatcher } from "./watcher.ts";

export interface SentinelOptions extends ValkeyOptions {
  /** How long a server doesn't answer before a sentinel takes it for down, in milliseconds; default 1000. */
  downAfterMs?: number;
}

/** A primary and two replicas, watched by three sentinels of which two have to agree. */
export interface TestSentinel {
  /** What the sentinels call the set. */
  readonly name: string;
  /** They ask for no password, whatever the servers do. */
  readonly sentinels: readonly { host: string; port: number }[];
  /** The three servers, the first primary first; always in this order. */
  readonly nodes: readonly TestValkey[];
  /**
   * The primary as most of the sentinels say now.
   * @throws Error when they don't agree in 10 s.
   */
  primary(): Promise<TestValkey>;
  /**
   * Has the sentinels make another node the primary, in order; resolves when most of them say so.
   * @throws Error when that takes more than 60 s.
   */
  failover(): Promise<void>;
  /** Ends them all and removes their folders. */
  close(): Promise<void>;
}

const name = "fleetwire";
const readyDeadlineMs = 30_000;
const agreeDeadlineMs = 10_000;
const failoverDeadlineMs = 60_000;

/**
 * Starts a Sentinel set of six processes on 127.0.0.1; resolves when every sentinel knows both replicas and both other
 * sentinels, so that a failover can follow at once. The sentinels let a killed primary that comes back be a primary
 * beside the new one for some 10 s, before they make it a replica.
 *
 * @throws Error as `startValkey` does, or when the set isn't complete in 30 s.
 */
export async function startSentinel(options: SentinelOptions = {}): Promise<TestSentinel> {
  const nodes: TestValkey[] = [];
  const watchers: Watcher[] = [];
  const close = async () => {
    // The sentinels first: they would take the ends of the others for failures.
    await Promise.all(watchers.map((watcher) => watcher.close()));
    await Promise.all(nodes.map((node) => node.close()));
  };

  try {
    const first = await startValkey(nodeOptions(options));
    nodes.push(first);
    for (let replica = 0; replica < 2; replica++) nodes.push(await startValkey(nodeOptions(options, first)));
    // A sentinel asks a primary for its replicas every 10 s only: they have to be there when it comes.
    await eventually(() => replicasInStep(first, 2), { deadlineMs: readyDeadlineMs, what: "two replicas in step" });

    const { password, downAfterMs = 1_000 } = options;
    const watched = { name, primary: first, password, downAfterMs, quorum: 2 };
    for (let sentinel = 0; sentinel < 3; sentinel++) watchers.push(await startWatcher(watched));
    const sentinels = watchers.map(({ host, port }) => ({ host, port }));
    const view: View = { name, sentinels };
    await eventually(() => isComplete(view, 2), { deadlineMs: readyDeadlineMs, what: "a complete Sentinel set" });

    const self: TestSentinel = {
      name,
      sentinels,
      nodes,
      primary: () => {
        const options = { deadlineMs: agreeDeadlineMs, what: "a primary that most sentinels agree on" };
        return eventually(() => primaryOf(view, nodes), options);
      },
      failover: async () => {
        const before = await self.primary();
        await eventually(() => requestFailover(sentinels), {
          deadlineMs: failoverDeadlineMs,
          what: "a sentinel that takes the order",
        });
        await eventually(async () => (await self.primary()) !== before, {
          deadlineMs: failoverDeadlineMs,
          what: "another primary",
        });
      },
      close,
    };
    return self;
  } catch (error) {
    await close();
    throw error;
  }
}

function nodeOptions({ password, settings }: SentinelOptions, primary?: TestValkey): ValkeyOptions {
  return {
    ...(password === undefined ? {} : { password }),
    settings: {
      // Else a primary waits 5 s for more replicas before it sends its data.
      "repl-diskless-sync-delay": "0",
      // Each of them may have to follow another one day.
      ...(password === undefined ? {} : { masterauth: quoted(password) }),
      ...(primary === undefined ? {} : { replicaof: `${primary.host} ${primary.port}` }),
      ...settings,
    },
  };
}

async function primaryOf(view: View, nodes: readonly TestValkey[]): Promise<TestValkey | undefined> {
  const port = await askForPrimary(view);
  return nodes.find((node) => node.port === port);
}

/** Throws while a failover is under way or no replica is good for one, which passes. */
async function requestFailover([first]: readonly Address[]): Promise<boolean> {
  return first !== undefined && (await sendCommand(first, "SENTINEL", "FAILOVER", name)) === "OK";
}
