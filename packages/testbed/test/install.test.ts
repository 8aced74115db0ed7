import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { eventually, runSource, tempDir } from "../src/index.ts";
import { installByApt } from "../src/install/apt.ts";

// apt-get alone is a stand-in: it writes down each call with the policy's answer, and acts when a file says so. With
// the real one, startValkey's tests install on a machine without the program.
const aptGet = `#!/bin/sh
cd "$APT_FOLDER" || exit 1
case "$*" in *update*) exit 0 ;; esac
./policy; echo "install $? $$ $PPID" >>calls
if [ -e hold ]; then while [ ! -e go ]; do sleep 0.02; done; fi
if [ -e fail ]; then echo "E: Unable to locate package" >&2; exit 100; fi
printf '#!/bin/sh\\n' >bin/fleetwire-wanted
chmod 755 bin/fleetwire-wanted
`;

const program = "fleetwire-wanted";
const wanted = { packageName: program, program };
const ownPolicy = "#!/bin/sh\n# the machine's own\nexit 0\n";
let folder: string;
let paths: { policy: string; lock: string };

beforeEach(() => {
  folder = tempDir("apt");
  paths = { policy: join(folder, "policy"), lock: join(folder, "lock") };
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin/apt-get"), aptGet, { mode: 0o755 });
  writeFileSync(paths.policy, ownPolicy);
  chmodSync(paths.policy, 0o751);
  vi.stubEnv("PATH", `${join(folder, "bin")}${delimiter}${process.env["PATH"]}`);
  vi.stubEnv("APT_FOLDER", folder);
});
afterEach(() => void vi.unstubAllEnvs());

function tell(file: "hold" | "go" | "fail"): void {
  writeFileSync(join(folder, file), "");
}

/** Each installation that apt-get was asked for: what the policy said to it, its pid and that of the shell. */
function calls(): { policy: number; pid: number; shell: number }[] {
  const path = join(folder, "calls");
  // The file is there before its first line is; the last one may not be whole.
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
  return lines.map((line) => {
    const [, policy, pid, shell] = line.split(" ").map(Number);
    return { policy: policy ?? NaN, pid: pid ?? NaN, shell: shell ?? NaN };
  });
}

async function firstCall(): Promise<{ pid: number; shell: number }> {
  return eventually(() => calls()[0], { deadlineMs: 10_000, what: "apt-get's call" });
}

function policy(): { text: string; mode: number } {
  return { text: readFileSync(paths.policy, "utf8"), mode: statSync(paths.policy).mode & 0o777 };
}

// Where apt-get is, so is flock.
describe.runIf(process.platform === "linux")("by apt-get", () => {
  test("two at once install once, start no daemon, and leave the machine's policy", async () => {
    await Promise.all([installByApt(wanted, paths), installByApt(wanted, paths)]);
    expect(existsSync(join(folder, "bin", program))).toBe(true);
    expect(calls()).toMatchObject([{ policy: 101 }]);
    expect(policy()).toEqual({ text: ownPolicy, mode: 0o751 });
  });

  test("a program that is given by its path has to be there: one of that name on PATH doesn't count", async () => {
    const elsewhere = tempDir("elsewhere");
    writeFileSync(join(elsewhere, program), "#!/bin/sh\n", { mode: 0o755 });
    vi.stubEnv("PATH", `${elsewhere}${delimiter}${process.env["PATH"]}`);
    const byPath = { packageName: "fleetwire-package", program: join(folder, "bin", program) };
    await installByApt(byPath, paths);
    await installByApt(byPath, paths);
    expect(calls()).toHaveLength(1);
    await installByApt(wanted, paths);
    expect(calls()).toHaveLength(1);
  });

  test("a failed installation gives apt-get's words and leaves the machine's policy", async () => {
    tell("fail");
    await expect(installByApt(wanted, paths)).rejects.toThrow(/fleetwire-wanted: E: Unable to locate package/);
    expect(calls()).toMatchObject([{ policy: 101 }]);
    expect(policy()).toEqual({ text: ownPolicy, mode: 0o751 });
  });

  test("where there was no policy there is none afterwards", async () => {
    const none = { ...paths, policy: join(folder, "bin/policy") };
    writeFileSync(paths.policy, '#!/bin/sh\nexec "$APT_FOLDER/bin/policy"\n');
    await installByApt(wanted, none);
    expect(calls()).toMatchObject([{ policy: 101 }]);
    expect(existsSync(none.policy)).toBe(false);
  });

  test("an installation comes to its end when the process that asked for it is killed", async () => {
    tell("hold");
    const owner = runSource(
      new URL("owners/of-installation.ts", import.meta.url),
      [program, paths.policy, paths.lock],
      // Its own copies: a started process inherits PATH alone of the two.
      { env: { APT_FOLDER: folder } },
    );
    await firstCall();
    await owner.kill9();
    expect(policy().text).not.toBe(ownPolicy);
    tell("go");
    await eventually(() => policy().text === ownPolicy, { deadlineMs: 10_000, what: "the machine's policy" });
    expect(existsSync(join(folder, "bin", program))).toBe(true);
  });

  test("what a killed installation left is put right by the next one", async () => {
    tell("hold");
    const killed = installByApt(wanted, paths);
    const { pid, shell } = await firstCall();
    process.kill(shell, "SIGKILL");
    process.kill(pid, "SIGKILL");
    await expect(killed).rejects.toThrow(/apt-get install/);
    expect(policy().text).not.toBe(ownPolicy);

    tell("go");
    await installByApt(wanted, paths);
    expect(policy()).toEqual({ text: ownPolicy, mode: 0o751 });
    expect(calls()).toHaveLength(2);
  });
});
