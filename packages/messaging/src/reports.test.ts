import { expect, test, vi } from "vitest";
import { createReporter, type DeliveryReport } from "./reports.ts";

const report = (messageId: string, status: DeliveryReport["status"] = "completed"): DeliveryReport => ({
  messageId,
  queue: "tasks.t",
  group: "workers",
  companyId: "default",
  status,
  attempt: 1,
  at: "2026-11-27T00:00:00.000Z",
});

function reporterTo(send: (reports: readonly DeliveryReport[]) => Promise<void>, isClosed = () => false) {
  const onChange = vi.fn<() => void>();
  const reporter = createReporter({
    send,
    onChange,
    onError: () => {},
    pause: () => new Promise((resolve) => setTimeout(resolve, 1)),
    isClosed,
  });
  return { reporter, onChange };
}

test("reports leave together, up to a hundred at a time", async () => {
  const batches: number[] = [];
  const { reporter } = reporterTo(async (reports) => void batches.push(reports.length));
  await Promise.all(Array.from({ length: 250 }, (_, n) => reporter.confirmed(report(`m${n}`))));
  expect(batches).toEqual([100, 100, 50]);
});

test("a report that can't be stored is sent until it can, and meanwhile nothing new is taken", async () => {
  let refusals = 3;
  const stalled: boolean[] = [];
  const { reporter, onChange } = reporterTo(async () => {
    stalled.push(reporter.stalled);
    if (refusals-- > 0) throw new Error("full");
  });
  await reporter.confirmed(report("m"));
  expect(stalled).toEqual([false, true, true, true]);
  expect(reporter.stalled).toBe(false);
  expect(onChange).toHaveBeenCalledTimes(2);
});

test("one batch that gets through doesn't hide another that doesn't", async () => {
  const stuck = Promise.withResolvers<void>();
  const { reporter } = reporterTo(async ([first]) => {
    if (first?.messageId === "stuck" && !isOpen) throw new Error("full");
  });
  let isOpen = false;
  void reporter.confirmed(report("stuck")).then(stuck.resolve);
  await vi.waitFor(() => expect(reporter.stalled).toBe(true));
  await reporter.confirmed(report("fine"));
  expect(reporter.stalled).toBe(true);
  isOpen = true;
  await stuck.promise;
  expect(reporter.stalled).toBe(false);
});

test("nobody waits for the word that something is being handled, and it isn't sent again", async () => {
  const sent: string[] = [];
  const { reporter } = reporterTo(async (reports) => {
    sent.push(...reports.map(({ messageId }) => messageId));
    throw new Error("full");
  });
  reporter.mention(report("begun", "processing"));
  await vi.waitFor(() => expect(sent).toEqual(["begun"]));
  expect(reporter.stalled).toBe(false);
});
