import { describe, expect, it } from "vitest";
import { createAdmission } from "./admission.ts";

describe("admission", () => {
  it("lets in as many as it may, lets the next wait in order, and turns the rest away", async () => {
    const admission = createAdmission({ concurrency: 2, queueLimit: 2 });
    const order: string[] = [];
    const [first, second] = [await admission.enter(), await admission.enter()];
    const third = admission.enter().then((leave) => {
      order.push("third");
      return leave;
    });
    const fourth = admission.enter().then((leave) => {
      order.push("fourth");
      return leave;
    });
    expect(await admission.enter()).toBeNull();
    expect(order).toEqual([]);
    first?.();
    const leaveThird = await third;
    expect(order).toEqual(["third"]);
    second?.();
    await fourth;
    expect(order).toEqual(["third", "fourth"]);
    leaveThird?.();
    expect(await admission.enter()).not.toBeNull();
  });
});
