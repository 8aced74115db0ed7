// npm run bench <suite> [-- --quick] [--only valkey,postgres]: measures against goals and ceilings, side by side in one run.
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { publish, type Figure } from "./report.ts";
import { UsageError, type BenchOptions } from "./options.ts";
import { commandsSuite } from "./commands/suite.ts";
import { fleetSuite } from "./fleet/suite.ts";
import { messagingSuite } from "./messaging/suite.ts";

const suites: Record<string, (options: BenchOptions) => Promise<Figure[]>> = {
  commands: commandsSuite,
  fleet: fleetSuite,
  messaging: messagingSuite,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean", default: false }, only: { type: "string" } },
});
const [name = ""] = positionals;
const suite = suites[name];
if (suite === undefined) {
  process.stderr.write(`bench: name a suite: ${Object.keys(suites).join(", ")}\n`);
  process.exit(64);
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const only = values.only?.split(",") ?? null;
const rows = await suite({ root, quick: values.quick, only, say }).catch((error: unknown) => {
  if (!(error instanceof UsageError)) throw error;
  say(`bench ${name}: ${error.message}`);
  process.exit(64);
});
const missed = publish(root, name, rows, only);
if (missed > 0) say(`${missed} goal${missed === 1 ? "" : "s"} missed`);
process.exit(0);
