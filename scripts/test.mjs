// Runs the tests of every package, one package at a time (they start real servers), and sums them up.
//
//   npm test                                  everything
//   npm test -- --only agent                  one package: a folder name under apps/ or packages/
//   npm test -- --only agent ledger           … and in it only the files whose path holds "ledger"
//   npm run test:coverage -- --only agent     with coverage (coverage/ in the package)
//   npm run test:long                         the long forms of the fault tests
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [task, ...args] = process.argv.slice(2);
const coverage = take("--coverage");
const only = takeValue("--only");
const reports = join(root, "node_modules", ".cache", "fleetwire-tests");
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });

const packages = ["packages", "apps"]
  .flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name)))
  .concat(existsSync(join(root, "e2e")) ? ["e2e"] : [])
  .filter((path) => existsSync(join(root, path, "package.json")));
const chosen = only === undefined ? packages : packages.filter((path) => path === only || path.endsWith(`/${only}`));
if (chosen.length === 0) {
  console.error(`no package "${only}"; there are: ${packages.map((path) => path.split("/").at(-1)).join(", ")}`);
  process.exit(64);
}

const env = {
  ...process.env,
  FLEETWIRE_TEST_REPORTS: reports,
  ...(task === "test:long" ? { FLEETWIRE_TEST_LONG: "1" } : {}),
};
const failures = [];
if (only === undefined && args.length === 0 && !coverage) {
  const turbo = spawnSync(
    "turbo",
    ["run", task, "--concurrency=1", "--continue", "--output-logs=full", "--ui=stream"],
    { cwd: root, stdio: "inherit", env },
  );
  if (turbo.status !== 0) failures.push(`turbo run ${task} ended with ${turbo.status ?? turbo.signal}`);
} else {
  for (const path of chosen) {
    const run = spawnSync("vitest", ["run", ...(coverage ? ["--coverage"] : []), ...args], {
      cwd: join(root, path),
      stdio: "inherit",
      env,
    });
    if (run.status !== 0) failures.push(`${path} ended with ${run.status ?? run.signal}`);
  }
}

let passed = 0;
let failed = 0;
for (const file of readdirSync(reports)) {
  const report = JSON.parse(readFileSync(join(reports, file), "utf8"));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  if (report.numPendingTests + report.numTodoTests > 0)
    failures.push(`${file}: ${report.numPendingTests + report.numTodoTests} tests didn't run`);
  for (const suite of report.testResults) {
    if (suite.status === "failed")
      failures.push(`${suite.name.replace(`${root}/`, "")}${suite.message ? `: ${suite.message}` : ""}`);
    for (const test of suite.assertionResults) if (test.status === "failed") failures.push(`  ${test.fullName}`);
  }
}
if (passed + failed === 0) failures.push("no test ran");
for (const line of failures) console.error(line);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failures.length > 0 || failed > 0 ? 1 : 0);

function take(name) {
  const at = args.indexOf(name);
  if (at < 0) return false;
  args.splice(at, 1);
  return true;
}

function takeValue(name) {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args.splice(at, 2)[1];
}
