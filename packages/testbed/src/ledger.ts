import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * An account of what a test asked of a system under faults, kept apart from the system: what was attempted, what was
 * confirmed, what came back, and which effects really happened. It alone decides whether anything was lost or done twice.
 */
export interface Ledger {
  /** The client is about to ask for `id`. */
  attempted(id: string): void;
  /** The system took responsibility for `id` (an HTTP 202, a confirm). */
  confirmed(id: string): void;
  /** The system told an outcome of `id`, such as "completed". Telling the same one again changes nothing. */
  received(id: string, outcome: string): void;
  /** Makes a file in `directory` in which each line is the id of one execution; what is appended to it is counted. */
  effectFile(directory: string): string;
  /** A shell command that appends `id` to an effect file (one write in append mode: lines of many processes don't mix). */
  effectCommand(id: string, file: string): string;
  /** Executions by id, as all effect files say now. */
  readEffects(): Map<string, number>;
  check(options?: CheckOptions): LedgerCheck;
  /** @throws Error with a table of every id that is lost, duplicated or unexpected. */
  assertNothingLostNothingTwice(options?: CheckOptions): void;
}

export interface CheckOptions {
  /** Whether what was attempted and never confirmed may have happened; default true. */
  allowUnconfirmed?: boolean;
  /** Outcomes that claim an execution; default ["completed"]. Only counts once there is an effect file. */
  executedOutcomes?: readonly string[];
}

/** Ids, in the order in which the ledger met them. */
export interface LedgerCheck {
  /** Confirmed, but no outcome and no effect came; or an outcome claims an execution that has no effect. */
  lost: string[];
  /** More than one effect. */
  duplicated: string[];
  /**
   * Nobody asked for it; or two outcomes that contradict each other; or, without `allowUnconfirmed`, it happened though
   * it was never confirmed.
   */
  unexpected: string[];
}

interface Account {
  attempted: boolean;
  confirmed: boolean;
  outcomes: Set<string>;
}

/** Opens an empty ledger. */
export function createLedger(): Ledger {
  const accounts = new Map<string, Account>();
  const files: string[] = [];

  const account = (id: string): Account => {
    let found = accounts.get(id);
    if (!found) accounts.set(id, (found = { attempted: false, confirmed: false, outcomes: new Set() }));
    return found;
  };

  const readEffects = (): Map<string, number> => {
    const effects = new Map<string, number>();
    for (const file of files) {
      for (const id of readFileSync(file, "utf8").split("\n")) {
        if (id !== "") effects.set(id, (effects.get(id) ?? 0) + 1);
      }
    }
    return effects;
  };

  const judge = (options: CheckOptions = {}) => {
    const { allowUnconfirmed = true, executedOutcomes = ["completed"] } = options;
    const effects = readEffects();
    for (const id of effects.keys()) account(id);
    const check: LedgerCheck = { lost: [], duplicated: [], unexpected: [] };

    for (const [id, { attempted, confirmed, outcomes }] of accounts) {
      const count = effects.get(id) ?? 0;
      const happened = count > 0 || outcomes.size > 0;
      const claimsEffect = files.length > 0 && executedOutcomes.some((outcome) => outcomes.has(outcome));
      if ((confirmed && !happened) || (claimsEffect && count === 0)) check.lost.push(id);
      if (count > 1) check.duplicated.push(id);
      if (!attempted || outcomes.size > 1 || (happened && !confirmed && !allowUnconfirmed)) check.unexpected.push(id);
    }
    return { check, effects };
  };

  return {
    attempted: (id) => void (account(id).attempted = true),
    confirmed: (id) => void (account(id).confirmed = true),
    received: (id, outcome) => void account(id).outcomes.add(outcome),
    effectFile: (directory) => {
      let file = join(directory, "effects");
      for (let number = 2; existsSync(file); number++) file = join(directory, `effects-${number}`);
      closeSync(openSync(file, "wx"));
      files.push(file);
      return file;
    },
    effectCommand: (id, file) => `printf '%s\\n' ${quoted(id)} >> ${quoted(file)}`,
    readEffects,
    check: (options) => judge(options).check,
    assertNothingLostNothingTwice: (options) => {
      const { check, effects } = judge(options);
      const wrong = new Set([...check.lost, ...check.duplicated, ...check.unexpected]);
      if (wrong.size === 0) return;
      const rows = [...wrong].slice(0, 50).map((id) => {
        const { attempted, confirmed, outcomes } = account(id);
        const verdicts = (["lost", "duplicated", "unexpected"] as const).filter((verdict) =>
          check[verdict].includes(id),
        );
        const said = [attempted ? "yes" : "no", confirmed ? "yes" : "no", [...outcomes].join(" + ") || "–"];
        return [id, ...said, String(effects.get(id) ?? 0), verdicts.join(", ")];
      });
      throw new Error(
        `${check.lost.length} lost, ${check.duplicated.length} duplicated, ${check.unexpected.length} unexpected ` +
          `of ${accounts.size}\n${table(["id", "attempted", "confirmed", "outcome", "effects", "verdict"], rows)}`,
      );
    },
  };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
