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

/** What is printed when it can't start, with the log's last complaints where the error may not speak for itself. */
export function failureText(error: unknown, logFile: string | null): string {
  const said = error instanceof Error ? error.message : String(error);
  if (error instanceof StartFailure) return `fleetwire: ${said}\n  ${error.whatToDo}`;
  if (error instanceof SettingsError || logFile === null) return `fleetwire: ${said}`;
  return [`fleetwire: ${said}`, `From ${logFile}:`, ...lastComplaints(logFile)].join("\n");
}

/** The last lines that aren't news of things going well: the agent writes to the same file. */
function lastComplaints(file: string): string[] {
  try {
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    return lines.filter((line) => !/^\{"level":"(trace|debug|info)"/.test(line)).slice(-shownLogLines);
  } catch {
    return [];
  }
}
