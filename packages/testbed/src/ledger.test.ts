import { appendFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createLedger, type Ledger } from "./ledger.ts";
import { startProcess } from "./process/process.ts";
import { tempDir } from "./temp-dir.ts";

function ask(ledger: Ledger, ...ids: string[]): void {
  for (const id of ids) {
    ledger.attempted(id);
    ledger.confirmed(id);
  }
}

const clean = { lost: [], duplicated: [], unexpected: [] };

test("finds nothing wrong where each confirmed id has one effect or an outcome that needs none", () => {
  const ledger = createLedger();
  const file = ledger.effectFile(tempDir("ledger"));
  ask(ledger, "ran", "expired", "interrupted before", "interrupted after");
  ledger.received("ran", "completed");
  ledger.received("ran", "completed");
  ledger.received("expired", "expired");
  ledger.received("interrupted before", "failed");
  ledger.received("interrupted after", "failed");
  appendFileSync(file, "ran\ninterrupted after\n");
  expect(ledger.check()).toEqual(clean);
  ledger.assertNothingLostNothingTwice();
});

test("a confirmed id without effect or outcome is lost, and so is a completed one without effect", () => {
  const ledger = createLedger();
  ledger.effectFile(tempDir("ledger"));
  ask(ledger, "silent", "claimed");
  ledger.received("claimed", "completed");
  expect(ledger.check()).toEqual({ ...clean, lost: ["silent", "claimed"] });
});

test("without effect files an outcome is all that is asked for", () => {
  const ledger = createLedger();
  ask(ledger, "ping");
  expect(ledger.check().lost).toEqual(["ping"]);
  ledger.received("ping", "completed");
  expect(ledger.check()).toEqual(clean);
});

test("effects are counted over all files", () => {
  const ledger = createLedger();
  const folder = tempDir("ledger");
  const [one, two] = [ledger.effectFile(folder), ledger.effectFile(folder)];
  ask(ledger, "a", "b");
  appendFileSync(one, "a\nb\n");
  appendFileSync(two, "a\n");
  expect(ledger.readEffects()).toEqual(
    new Map([
      ["a", 2],
      ["b", 1],
    ]),
  );
  expect(ledger.check()).toEqual({ ...clean, duplicated: ["a"] });
});

test("what nobody asked for, and two outcomes of one id, are unexpected", () => {
  const ledger = createLedger();
  appendFileSync(ledger.effectFile(tempDir("ledger")), "stranger\nasked\n");
  ask(ledger, "asked");
  ledger.received("asked", "failed");
  ledger.received("asked", "completed");
  expect(ledger.check()).toEqual({ ...clean, unexpected: ["asked", "stranger"] });
});

test("what was never confirmed may have happened, unless the test says otherwise", () => {
  const ledger = createLedger();
  const file = ledger.effectFile(tempDir("ledger"));
  ledger.attempted("answer lost");
  ledger.attempted("refused");
  appendFileSync(file, "answer lost\n");
  expect(ledger.check()).toEqual(clean);
  expect(ledger.check({ allowUnconfirmed: false })).toEqual({ ...clean, unexpected: ["answer lost"] });
});

test("the assertion shows a table of what is wrong", () => {
  const ledger = createLedger();
  const file = ledger.effectFile(tempDir("ledger"));
  ask(ledger, "fine", "gone", "twice");
  appendFileSync(file, "fine\ntwice\ntwice\n");
  ledger.received("twice", "completed");
  expect(() => ledger.assertNothingLostNothingTwice()).toThrow(
    [
      "1 lost, 1 duplicated, 0 unexpected of 3",
      "id     attempted  confirmed  outcome    effects  verdict",
      "gone   yes        yes        –          0        lost",
      "twice  yes        yes        completed  2        duplicated",
    ].join("\n"),
  );
});

test("the effect command of many shells at once leaves one whole line each", async () => {
  const ledger = createLedger();
  const file = ledger.effectFile(tempDir("the ledger's"));
  const ids = Array.from({ length: 20 }, (_, number) => `it's $HOME ${number}`);
  ask(ledger, ...ids);
  const commands = ids.map((id) => `(${ledger.effectCommand(id, file)}) &`);
  const shell = startProcess({ name: "effects", command: "/bin/sh", args: ["-c", `${commands.join(" ")} wait`] });
  expect(await shell.exited).toEqual({ code: 0, signal: null });
  expect(ledger.readEffects()).toEqual(new Map(ids.map((id) => [id, 1])));
  ledger.assertNothingLostNothingTwice();
});
