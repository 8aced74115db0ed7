import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { newToken, writeTokenFile } from "../src/index.ts";

test("the README's example runs, answers, and ends in order", async () => {
  const home = fileURLToPath(new URL("..", import.meta.url));
  const [, code = ""] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(home, "README.md"), "utf8")) ?? [];
  const folder = mkdtempSync(join(tmpdir(), "greeter-"));
  const tokens = join(folder, "tokens.json");
  const token = newToken();
  await writeTokenFile(tokens, [{ token, kind: "operator", id: "me", companyId: "default", scopes: ["greetings:*"] }]);

  const child = spawn(
    process.execPath,
    ["--conditions=@fleetwire/source", "--input-type=module-typescript", "-e", code],
    {
      cwd: home,
      env: { ...process.env, GREETER_PORT: "0", GREETER_TOKENS: tokens },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const exitCode = new Promise<number | null>((resolve) => child.once("exit", resolve));
  onTestFinished(() => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  });

  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout)
      .on("line", (line) => {
        const entry: { msg?: string; url?: string } = JSON.parse(line);
        if (entry.msg === "listening" && entry.url !== undefined) resolve(entry.url);
      })
      .on("close", () => reject(new Error("The example ended before it listened.")));
  });
  const headers = { authorization: `Bearer ${token}` };
  const greeting = await fetch(`${url}/greetings/Ann`, { headers });
  expect(await greeting.json()).toEqual({ greeting: "Hello Ann, says me" });
  const nobody = await fetch(`${url}/greetings/nobody`, { headers });
  expect([nobody.status, await nobody.json()]).toMatchObject([404, { code: "nobody" }]);
  expect((await fetch(`${url}/docs/`)).status).toBe(200);

  child.kill("SIGTERM");
  expect(await exitCode).toBe(0);
});
