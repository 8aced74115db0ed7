// What `npm start`, `npm test` and their neighbours run. Works on any Node from 18 on: it installs what is missing, then
// hands over to the Node that the project brings.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const node24 = join(root, "node_modules", "node", "bin", "node");
const stamp = join(root, "node_modules", ".fleetwire-setup");

const [command = "start", ...args] = process.argv.slice(2);
const source = ["--conditions=@fleetwire/source"];

const commands = {
  setup: () => 0,
  start: () => run(node24, [...source, join(root, "apps/standalone/src/main.ts"), ...args]),
  demo: () => run(node24, [...source, join(root, "apps/standalone/src/main.ts"), "--demo", ...args]),
  test: () => run(node24, [join(root, "scripts/test.mjs"), "test", ...args]),
  "test:long": () => run(node24, [join(root, "scripts/test.mjs"), "test:long", ...args]),
  "test:coverage": () => run(node24, [join(root, "scripts/test.mjs"), "test", "--coverage", ...args]),
  verify: () => run(node24, [join(root, "scripts/verify.mjs"), ...args]),
  format: () => run(join(root, "node_modules/.bin/prettier"), ["--write", "--log-level", "warn", "."]),
  bench: () => run(node24, [...source, join(root, "bench/src/main.ts"), ...args]),
};

if (!(command in commands)) {
  console.error(`fleetwire: no such script "${command}"; there are: ${Object.keys(commands).join(", ")}`);
  process.exit(64);
}
setUp();
process.exitCode = await commands[command]();

/** Installs and generates once per state of the lockfile, the manifests and the schemas. */
function setUp() {
  const wanted = fingerprint();
  if (existsSync(node24) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.error("fleetwire: installing what is missing (once)…");
  // corepack can't start this pnpm, so npm's own runner fetches it.
  step("npx", ["--yes", "pnpm@12.21.0", "install", "--frozen-lockfile", "--reporter=append-only"]);
  const prisma = join(root, "apps/command-server/node_modules/prisma/build/index.js");
  step(node24, [prisma, "generate"], join(root, "apps/command-server"));
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

function fingerprint() {
  const hash = createHash("sha256");
  const files = ["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json"];
  for (const folder of ["apps", "packages"]) {
    // oxlint-disable-next-line unicorn/no-array-sort -- toSorted needs Node 20, and this runs on 18.
    for (const name of readdirSync(join(root, folder)).sort()) files.push(`${folder}/${name}/package.json`);
  }
  files.push(
    "proto/package.json",
    "bench/package.json",
    "e2e/package.json",
    "apps/command-server/prisma/schema.prisma",
  );
  for (const file of files) {
    const path = join(root, file);
    if (existsSync(path)) hash.update(file).update(readFileSync(path));
  }
  // A clone that was moved or copied has links that point elsewhere.
  return hash.update(root).digest("hex");
}

function step(program, programArgs, cwd = root) {
  const done = spawnSync(program, programArgs, { cwd, encoding: "utf8", env: environment(), maxBuffer: 64 << 20 });
  if (done.status === 0) return;
  process.stderr.write(`${done.stdout ?? ""}${done.stderr ?? ""}`);
  console.error(
    `fleetwire: "${program} ${programArgs.join(" ")}" failed${done.error ? `: ${done.error.message}` : ""}`,
  );
  process.exit(1);
}

/** Runs in the foreground. Signals reach the child through the terminal's group; from elsewhere they are passed on. */
function run(program, programArgs) {
  const child = spawn(program, programArgs, { stdio: "inherit", env: environment() });
  let interrupted = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // A terminal's Ctrl-C has reached the child already: sending it again would be its second, which forces.
      if (signal === "SIGINT" && process.stdin.isTTY) interrupted += 1;
      else child.kill(signal);
    });
  }
  return new Promise((resolve) => {
    child.on("error", (error) => {
      console.error(`fleetwire: can't run ${program}: ${error.message}`);
      resolve(1);
    });
    child.on("exit", (code, signal) => resolve(code ?? (signal === "SIGINT" || interrupted ? 130 : 143)));
  });
}

function environment() {
  const bin = join(root, "node_modules", ".bin");
  return {
    ...process.env,
    PATH: `${bin}${delimiter}${process.env.PATH ?? ""}`,
    TURBO_TELEMETRY_DISABLED: "1",
    PRISMA_HIDE_UPDATE_MESSAGE: "1",
    CHECKPOINT_DISABLE: "1",
  };
}
