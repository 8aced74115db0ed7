// Checks the contracts: their style, that what others use still works, and that the types here are theirs.
//
//   npm run check
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { committed, generateTypes } from "./generate.mjs";

const here = dirname(fileURLToPath(import.meta.url));

/** Runs buf; gives the lines of what it found. */
function buf(...args) {
  const done = spawnSync(join(here, "node_modules/.bin/buf"), args, { cwd: here, encoding: "utf8" });
  if (done.error) return [`buf can't be run: ${done.error.message}`];
  if (done.status === 0) return [];
  return `${done.stdout}${done.stderr}`.trim().split("\n");
}

/** Compares a fresh generation with the committed one; gives the files that differ. */
function drift() {
  const fresh = mkdtempSync(join(tmpdir(), "fleetwire-proto-"));
  try {
    generateTypes(fresh);
    return [...new Set([...filesIn(fresh), ...filesIn(committed)])].flatMap((file) => {
      const [wanted, found] = [join(fresh, file), join(committed, file)];
      if (!existsSync(found)) return [`src/generated/${file} is missing`];
      if (!existsSync(wanted)) return [`src/generated/${file} isn't generated any more`];
      return readFileSync(wanted, "utf8") === readFileSync(found, "utf8") ? [] : [`src/generated/${file} differs`];
    });
  } catch (error) {
    return [`they can't be generated: ${error instanceof Error ? error.message : String(error)}`];
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

const checks = [
  { name: "style", run: () => buf("lint"), advice: "buf.yaml has the rules" },
  {
    name: "compatibility",
    run: () => buf("breaking", "--against", "baseline.binpb"),
    advice: "released fields keep number, type and name",
  },
  { name: "generated types", run: drift, advice: "run `npm run generate:types` in proto and commit what it writes" },
];

for (const { name, run, advice } of checks) {
  const problems = run();
  if (problems.length === 0) {
    process.stdout.write(`ok      ${name}\n`);
  } else {
    process.exitCode = 1;
    process.stderr.write(`FAILED  ${name}: ${advice}\n${problems.map((line) => `        ${line}\n`).join("")}`);
  }
}
