import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";

const script = fileURLToPath(new URL("fixtures/stopping-process.ts", import.meta.url));
const started: ChildProcess[] = [];

afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

function start(behaviour: string) {
  const child = spawn(process.execPath, ["--conditions=@fleetwire/source", script, behaviour], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  started.push(child);
  let output = "";
  const waiting: (() => void)[] = [];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    for (const check of waiting) check();
  });
  return {
    child,
    output: () => output,
    exitCode: new Promise<number | null>((resolve) => child.once("exit", resolve)),
    says: (text: string) =>
      new Promise<void>((resolve) => {
        const check = (): void => {
          if (output.includes(text)) resolve();
        };
        waiting.push(check);
        check();
      }),
  };
}

test.each(["SIGTERM", "SIGINT"] as const)("%s stops in order and exits with 0", async (signal) => {
  const { child, says, exitCode, output } = start("good");
  await says("ready\n");
  child.kill(signal);
  expect(await exitCode).toBe(0);
  expect(output()).toContain('"msg":"stopped"');
});

test("a step that fails makes the exit code 1", async () => {
  const { child, says, exitCode } = start("fail");
  await says("ready\n");
  child.kill("SIGTERM");
  expect(await exitCode).toBe(1);
});

test.each([
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const)("a second signal, %s, ends a hanging stop at once with %i", async (signal, code) => {
  const { child, says, exitCode } = start("hang");
  await says("ready\n");
  child.kill("SIGTERM");
  await says("stopping\n");
  // What comes within half a second of the first counts as the same one.
  const impatient = setInterval(() => child.kill(signal), 50);
  expect(await exitCode).toBe(code);
  clearInterval(impatient);
});

test("one Ctrl-C that arrives twice is one signal: the stop goes on in order", async () => {
  const { child, says, exitCode, output } = start("good");
  await says("ready\n");
  child.kill("SIGINT");
  child.kill("SIGINT");
  expect(await exitCode).toBe(0);
  expect(output()).toContain('"msg":"stopped"');
});

test.each(["throw", "reject"])(
  "an unexpected error (%s) is logged, and ends the process in order with 1",
  async (how) => {
    const { exitCode, output } = start(how);
    expect(await exitCode).toBe(1);
    expect(output()).toContain('"level":"fatal"');
    expect(output()).toContain("stopping\n");
    expect(output()).toContain('"msg":"stopped"');
  },
);
