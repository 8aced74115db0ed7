import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { find } from "./find.ts";

export interface AptPackage {
  packageName: string;
  /** What says that it is installed: a name or a path. */
  program: string;
}

/** What {@link installByApt} shares with others on this machine. */
export interface InstallPaths {
  /** The program that Debian's packages ask before they start a daemon. */
  policy?: string;
  /** The lock, with apt-get's output beside it; in a folder that only root can write. */
  lock?: string;
}

// One shell does it all, in a session of its own: killed with this process, it would leave a package half installed and
// the policy replaced. The kernel gives the lock back with its end; what a killed one left, the next one puts right.
const script = `
set -eu
package=$1 program=$2 policy=$3 lock=$4
mark='# fleetwire-testbed: no daemon while a server for tests is installed'
restore() {
  grep -qsxF -e "$mark" "$policy" || return 0
  if [ -e "$policy.before-fleetwire" ]; then mv -f "$policy.before-fleetwire" "$policy"; else rm -f "$policy"; fi
}
exec 9>"$lock"
flock 9
restore
if command -v "$program" >/dev/null; then exit 0; fi
trap restore EXIT
trap 'exit 1' INT TERM HUP
rm -f "$policy.before-fleetwire"
if [ -e "$policy" ]; then cp -a "$policy" "$policy.before-fleetwire"; fi
printf '#!/bin/sh\\n%s\\nexit 101\\n' "$mark" >"$policy.fleetwire"
chmod 755 "$policy.fleetwire"
mv -f "$policy.fleetwire" "$policy"
# Not to the pipe, which ends with its reader; and without the lock, which what they start would keep.
apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@" >>"$lock.log" 2>&1 </dev/null 9>&-
}
: >"$lock.log"
if apt update && apt install -y --no-install-recommends "$package"; then exit 0; fi
cat "$lock.log" >&2
exit 1
`;

/**
 * Installs a package unless its program is there already: a name is looked for on PATH, a path where it says. Starts no
 * daemon. One at a time on a machine: a second process waits, and then finds it installed.
 *
 * @throws Error with apt-get's words when it fails.
 */
export async function installByApt(
  { packageName, program }: AptPackage,
  { policy = "/usr/sbin/policy-rc.d", lock = "/run/fleetwire-testbed-apt.lock" }: InstallPaths = {},
): Promise<void> {
  // With all of this process's environment: a proxy for apt-get may be named there.
  const args = ["-c", script, "fleetwire-testbed-install", packageName, program, policy, lock];
  const child = spawn("/bin/sh", args, { cwd: "/", detached: true, stdio: ["ignore", "ignore", "pipe"] });
  const [problem] = await Promise.all([text(child.stderr), once(child, "close")]);
  if (child.exitCode !== 0) throw new Error(`apt-get install ${packageName}: ${problem.trim()}`);
}

/**
 * Installs a package where that is possible: as root, with apt-get.
 *
 * @throws Error that opens with what is missing and ends with the advice, where it isn't possible or fails.
 */
export async function installMissing(
  wanted: AptPackage,
  { missing, advice }: { missing: string; advice: string },
): Promise<void> {
  if (process.getuid?.() !== 0 || find("apt-get") === undefined) throw new Error(`${missing}: ${advice}`);
  try {
    await installByApt(wanted);
  } catch (cause) {
    throw new Error(`${missing}, and apt-get can't install it: ${advice}`, { cause });
  }
}
