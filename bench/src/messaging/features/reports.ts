import type { DeliveryReport, QueueProvider } from "@fleetwire/messaging";
import type { Figure } from "../../report.ts";
import type { Contest } from "../contest.ts";
import { createTally, inTime } from "../rates.ts";
import { ourSide, prefetch, type Side } from "../side.ts";
import { cost } from "./cost.ts";

const tracking = "delivery-reports";
const tracker = "tracker";

/** What it costs that each delivery's outcome is reported, durably, before the delivery is acknowledged. */
export async function reports(contest: Contest): Promise<Figure> {
  const provider = await contest.open();
  const name = `${contest.definition.name}-tracked`;
  await provider.declare({ name: tracking, kind: "task", groups: [tracker] });
  await provider.declare({ ...contest.definition, name, tracking });
  const row = await cost(contest, {
    name: "with reports",
    on: ourSide(provider, name),
    off: contest.ours,
    count: 20_000,
    check: (count) => readReports(provider, count),
    conditions: { prefetch, concurrency: prefetch, reports: "on a quorum queue; read afterwards" },
  });
  await provider.close();
  return row;
}

/** Reads what the run has left; throws where an outcome wasn't reported. */
async function readReports(provider: QueueProvider, count: number): Promise<void> {
  const tally = createTally(count);
  const subscription = await provider.subscribe<{ reports: DeliveryReport[] }>(
    tracking,
    ({ message }) => {
      for (const { status } of message.payload.reports) if (status === "completed") tally.take();
    },
    { group: tracker },
  );
  const queue: Side = ourSide(provider, tracking);
  await inTime({ ...queue, name: "reports" }, tally.all);
  await subscription.close();
  await queue.purge(); // mentions that came behind the last outcome
  await tally.expectExactly(queue);
}
