import { AnswerRecord } from "./record.ts";

/** Agents on which a rollout came out the same. */
export interface RolloutGroup {
  json: Record<string, unknown>;
  count: number;
  status: string;
  exitCode: number | null;
  error: string | null;
  /** The begin of what each of them wrote. */
  output: string;
  /** Length of the whole, bytes. */
  outputBytes: number;
  /** The first of them. */
  agents: string[];
}

/** Throws a CliFailure where the answer isn't a group. */
export function readGroup(json: unknown): RolloutGroup {
  const record = new AnswerRecord(json);
  return {
    json: record.json,
    count: record.count("count"),
    status: record.text("status"),
    exitCode: record.optionalNumber("exitCode"),
    error: record.optionalText("error"),
    output: record.optionalText("output") ?? "",
    outputBytes: record.count("outputBytes"),
    agents: record.texts("agents"),
  };
}
