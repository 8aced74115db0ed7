import { afterAll, afterEach } from "vitest";
import type { Capabilities } from "../../src/index.ts";
import { capabilitySections } from "./capability-sections.ts";
import { groups } from "./groups.ts";
import { lifecycle } from "./lifecycle.ts";
import { outcomes } from "./outcomes.ts";
import { publishing } from "./publishing.ts";
import { reporting } from "./reporting.ts";
import type { Harness } from "./world.ts";

/** What every provider has to keep, and the sections of what it says it can. */
export function providerConformance(harness: Harness, capabilities: Capabilities): void {
  afterEach(() => harness.closeAll());
  afterAll(() => harness.closeAll());
  publishing(harness);
  groups(harness);
  outcomes(harness);
  lifecycle(harness);
  reporting(harness);
  capabilitySections(harness, capabilities);
}
