import { eventually } from "../eventually.ts";

/** What a broker can run short of: it reads nothing more from publishers then. */
export type Alarm = "memory" | "disk";

export interface Alarms {
  /** Raises an alarm, which blocks every connection that publishes. Resolves when it is in force. */
  blockPublishers(alarm: Alarm): Promise<void>;
  /** Clears what {@link blockPublishers} raised. Resolves when it is no longer in force. */
  unblockPublishers(): Promise<void>;
}

const deadlineMs = 30_000;

const monitors = {
  memory: {
    set: (bytes: number) => ["set_vm_memory_high_watermark", "absolute", String(bytes)],
    get: "vm_memory_monitor:get_memory_limit().",
    // The least that it takes.
    short: 1,
  },
  disk: {
    set: (bytes: number) => ["set_disk_free_limit", String(bytes)],
    get: "rabbit_disk_monitor:get_disk_free_limit().",
    // No disk has that much free.
    short: Number.MAX_SAFE_INTEGER,
  },
};

/** `ctl` runs rabbitmqctl for a node. Its management API would say the same, but up to 5 s later. */
export function createAlarms(ctl: (...args: string[]) => Promise<string>): Alarms {
  const inForce = async (alarm: Alarm) =>
    (await ctl("eval", "rabbit_alarm:get_local_alarms().")).includes(`resource_limit,${alarm},`);
  /** The limits that were in force before, in bytes. */
  const before = new Map<Alarm, number>();

  return {
    blockPublishers: async (alarm) => {
      const { get, set, short } = monitors[alarm];
      if (!before.has(alarm)) before.set(alarm, Number(await ctl("eval", get)));
      await ctl(...set(short));
      await eventually(() => inForce(alarm), { deadlineMs, what: `the ${alarm} alarm` });
    },
    unblockPublishers: async () => {
      for (const [alarm, bytes] of before) {
        await ctl(...monitors[alarm].set(bytes));
        await eventually(async () => !(await inForce(alarm)), { deadlineMs, what: `no ${alarm} alarm` });
        before.delete(alarm);
      }
    },
  };
}
