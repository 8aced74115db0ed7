// The gate: the same here and in CI. Runs every check even after one failed, and says at the end which.
import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const checks = [
  ["format", "prettier", ["--check", "--log-level", "warn", "."]],
  ["lint", "oxlint", ["--type-aware", "--deny-warnings"]],
  ["types", "turbo", ["run", "typecheck", "--output-logs=errors-only", "--ui=stream"]],
  ["boundaries", "turbo", ["boundaries"]],
  ["dead code", "knip", ["--no-progress"]],
  ["manifests", "sherif", []],
  [
    "contracts and generated code",
    "turbo",
    ["run", "check", "--output-logs=errors-only", "--ui=stream", "--concurrency=1"],
  ],
];

const only = process.argv[2];
if (only !== undefined && !checks.some(([name]) => name === only)) {
  console.error(`no check "${only}"; there are: ${checks.map(([name]) => name).join(", ")}`);
  process.exit(64);
}
const failed = [];
for (const [name, program, args] of checks) {
  if (only !== undefined && only !== name) continue;
  const began = performance.now();
  const done = spawnSync(program, args, { cwd: root, encoding: "utf8", maxBuffer: 64 << 20 });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${done.status === 0 ? "ok    " : "FAILED"}  ${String(name)} (${seconds} s)`);
  if (done.status === 0) continue;
  failed.push(name);
  process.stdout.write(`${done.stdout ?? ""}${done.stderr ?? ""}${done.error?.message ?? ""}\n`);
}
if (failed.length > 0) console.log(`verify: failed: ${failed.join(", ")}`);
process.exit(failed.length > 0 ? 1 : 0);
