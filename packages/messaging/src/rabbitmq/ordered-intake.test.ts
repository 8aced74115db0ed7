import { expect, test } from "vitest";
import { createOrderedIntake } from "./ordered-intake.ts";
import type { RabbitIncoming } from "./rabbit-incoming.ts";
import type { RabbitPort } from "./rabbit-port.ts";

const port: RabbitPort = {
  complete: () => {},
  retry: () => Promise.resolve(),
  delayFurther: () => Promise.resolve(),
  countRedelivery: () => Promise.resolve(),
  deadLetter: () => Promise.resolve(),
  release: () => {},
};

function delivery(): RabbitIncoming {
  const unfit: RabbitIncoming["unfit"] = { reason: "crashed", error: "it came back 11 times" };
  const self = { unfit, signal: new AbortController().signal, excuse: () => void (self.unfit = null as never) };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of a delivery, only these parts are read
  return self as unknown as RabbitIncoming;
}

test("what was held behind a delivery that crashed its consumers is excused once, and nothing else is", async () => {
  const { intake, port: ordered } = createOrderedIntake(port, () => {});
  const [head, next, third] = [delivery(), delivery(), delivery()];
  for (const one of [head, next, third]) intake.add(one);
  expect(intake.next()).toBe(head);
  expect(head.unfit?.reason).toBe("crashed");
  expect(intake.next()).toBeUndefined();
  await ordered.deadLetter(head, "crashed", { error: "" });
  expect(intake.next()).toBe(next);
  expect(next.unfit).toBeNull();
  await ordered.complete(next);
  expect(intake.next()).toBe(third);
  expect(third.unfit?.reason).toBe("crashed");
});
