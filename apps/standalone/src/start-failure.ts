import { readFileSync } from "node:fs";
import { SettingsError } from "@fleetwire/service";

/** Why it can't start, in words for a person: what is wrong, then what to do. */
export class StartFailure extends Error {
  override readonly name = "StartFailure";
  readonly whatToDo: string;

  constructor(what: string, whatToDo: string, options?: ErrorOptions) {
    super(what, options);
    this.whatToDo = whatToDo;
  }
}

const shownLogLines = 20;

/** What is printed when it can't start. The log's last lines are shown where the error doesn't speak for itself. */
export function failureText(error: unknown, logFile: string | null): string {
  const said = error instanceof Error ? error.message : String(error);
  if (error instanceof StartFailure) return `fleetwire: ${said}\n  ${error.whatToDo}`;
  if (error instanceof SettingsError || logFile === null) return `fleetwire: ${said}`;
  return [`fleetwire: ${said}`, `The end of ${logFile}:`, ...lastLines(logFile)].join("\n");
}

function lastLines(file: string): string[] {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-shownLogLines);
  } catch {
    return [];
  }
}
