import { spawn } from "node:child_process";
import type { Writable } from "node:stream";

/**
 * What must not outlive this test process. A small shell process reads the list from a pipe; when the pipe ends, however
 * this process ended (kill -9 too), it kills the process groups and then removes the folders.
 */
export interface Watchdog {
  /** The process group will be killed (SIGKILL). */
  guardGroup(pid: number): void;
  forgetGroup(pid: number): void;
  /** The folder will be removed with all it holds. */
  guardFolder(path: string): void;
  forgetFolder(path: string): void;
}

// Reads "add kind target" and "drop kind target"; newline is the only separator, so a target may hold spaces.
const script = `
trap '' INT TERM HUP
newline='
'
things=
while IFS= read -r line; do
  case $line in
    'add '*) things=$things\${line#add }$newline ;;
    'drop '*) things=$(printf '%s' "$things" | grep -vxF -e "\${line#drop }")$newline ;;
  esac
done
for kind in group folder; do
  printf '%s' "$things" | while IFS= read -r thing; do
    case $kind/$thing in
      group/'group '*) kill -9 "-\${thing#group }" ;;
      folder/'folder '*) rm -rf -- "\${thing#folder }" ;;
    esac
  done
done
`;

let running: Writable | undefined;

function tell(line: string): void {
  running ??= start();
  running.write(`${line}\n`);
}

function start(): Writable {
  const child = spawn("/bin/sh", ["-c", script, "fleetwire-testbed-watchdog"], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.unref();
  const { stdin } = child;
  stdin.on("error", () => {}); // it was killed: nothing that this process could do about it
  if ("unref" in stdin && typeof stdin.unref === "function") stdin.unref();
  return stdin;
}

function guarded(kind: string, target: string): string {
  if (target.includes("\n")) throw new Error(`can't guard a ${kind} whose name has a line break: ${target}`);
  return `${kind} ${target}`;
}

export const watchdog: Watchdog = {
  guardGroup: (pid) => tell(`add ${guarded("group", String(pid))}`),
  forgetGroup: (pid) => tell(`drop ${guarded("group", String(pid))}`),
  guardFolder: (path) => tell(`add ${guarded("folder", path)}`),
  forgetFolder: (path) => tell(`drop ${guarded("folder", path)}`),
};
