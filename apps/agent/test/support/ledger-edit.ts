import { DatabaseSync } from "node:sqlite";

/** As if everything up to this number had been trimmed. The agent must not run. */
export function raiseHorizon(path: string, horizon: number): void {
  const database = new DatabaseSync(path);
  database.prepare("UPDATE ledger SET horizon = ?").run(horizon);
  database.prepare("DELETE FROM runs WHERE assign_no <= ?").run(horizon);
  database.close();
}

/** As if the system had given the pid of this run to another process. The agent must not run. */
export function rewriteRecordedPid(path: string, commandId: string, pid: number): void {
  const database = new DatabaseSync(path);
  const { changes } = database.prepare("UPDATE runs SET pid = ? WHERE command_id = ? AND pid > 0").run(pid, commandId);
  database.close();
  if (changes !== 1) throw new Error(`${changes} rows of ${commandId} with a pid`);
}
