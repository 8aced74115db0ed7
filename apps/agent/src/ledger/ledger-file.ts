import { join, dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Assignment, LedgerOperations, LedgerSnapshot, RecordOutcome, RunKey, TrimPolicy } from "./records.ts";
import { type RunRow, isRefusalReason, toOutputPiece, toHeldRun, toRunResult } from "./rows.ts";
import { moveAside, openDatabase } from "./schema.ts";

export interface LedgerFile extends LedgerOperations {
  /** Runs the operations in one transaction and syncs it. Throws when it couldn't be committed: then none of them happened. */
  commit(operations: readonly (() => void)[]): void;
  /** Keeps the old file aside as `ledger-<its id>.db` and begins an empty one with this id. Not inside `commit`. */
  renew(ledgerId: string): void;
  /** Removes what the policy no longer keeps; returns how many rows. */
  trim(now: number): number;
  close(): void;
}

/**
 * The ledger's file, synchronous: for the worker thread.
 *
 * @throws LedgerFileError
 */
export function openLedgerFile(path: string, newLedgerId: string, policy: TrimPolicy): LedgerFile {
  let database = openDatabase(path, newLedgerId);
  let sql = prepareStatements(database);

  function find(run: RunKey): RunRow | undefined {
    return sql.findAccepted.get(run.commandId, run.attempt) as RunRow | undefined;
  }

  /** The row that stands for this assignment, if any. */
  function lookUp(run: Assignment): Exclude<RecordOutcome, { kind: "recorded" }> | null {
    const numbered = sql.findNumber.all(run.assignNo) as unknown as RunRow[];
    if (numbered.some((row) => row.command_id !== run.commandId || row.attempt !== run.attempt)) {
      return { kind: "number_taken" };
    }
    const refused = numbered.find(({ state }) => state === "refused");
    if (refused !== undefined) {
      const refusal = isRefusalReason(refused.refusal) ? refused.refusal : "cancelled";
      return { kind: "held", state: "refused", refusal };
    }
    const accepted = find(run);
    if (accepted !== undefined) {
      if (run.assignNo < accepted.assign_no) return { kind: "number_taken" };
      // Asked for again under a later number: it answers to that one from now on, until acknowledged again.
      if (run.assignNo > accepted.assign_no) sql.renumber.run(run.assignNo, accepted.run);
      if (accepted.state === "done") sql.setAcknowledged.run(0, accepted.run);
      raiseHighest(run.assignNo);
      return { kind: "held", state: accepted.state, refusal: null };
    }
    return run.assignNo <= header().horizon ? { kind: "forgotten" } : null;
  }

  function header(): Omit<LedgerSnapshot, "held"> {
    const row = sql.header.get() as { ledger_id: string; seen_epoch: number; highest: number; horizon: number };
    return { ledgerId: row.ledger_id, seenEpoch: row.seen_epoch, highest: row.highest, horizon: row.horizon };
  }

  function raiseHighest(assignNo: number): void {
    sql.raiseHighest.run(assignNo);
  }

  function inTransaction(work: () => void): void {
    database.exec("BEGIN IMMEDIATE");
    try {
      work();
      database.exec("COMMIT");
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }

  return {
    snapshot: () => ({ ...header(), held: sql.held.all().map((row) => toHeldRun(row as unknown as RunRow)) }),

    accept(run) {
      const known = lookUp(run);
      if (known !== null) return known;
      sql.insert.run(run.commandId, run.attempt, run.assignNo, run.type, "started", null, run.acceptedAt);
      raiseHighest(run.assignNo);
      return { kind: "recorded" };
    },

    refuse(run, reason) {
      const known = lookUp(run);
      if (known !== null) return known;
      sql.insert.run(run.commandId, run.attempt, run.assignNo, run.type, "refused", reason, run.acceptedAt);
      raiseHighest(run.assignNo);
      return { kind: "recorded" };
    },

    recall: (run) => lookUp(run),
    withdraw: (run, reason) => void sql.withdraw.run(reason, run.commandId, run.attempt),
    spawned: (run, process) => void sql.spawned.run(process.pid, process.startedAt, run.commandId, run.attempt),

    finish(run, result, output) {
      const row = find(run);
      if (row === undefined || row.state !== "started") return;
      sql.finish.run(JSON.stringify(result), row.run);
      for (const piece of output) sql.insertOutput.run(row.run, piece.offset, piece.stream, piece.data);
    },

    readResult(run) {
      const row = find(run);
      const result = row === undefined ? null : toRunResult(row);
      if (row === undefined || result === null) return null;
      return {
        commandId: row.command_id,
        attempt: row.attempt,
        assignNo: row.assign_no,
        acceptedAt: row.accepted_at,
        result,
        output: sql.output.all(row.run).map(toOutputPiece),
      };
    },

    acknowledge(run) {
      const row = find(run);
      if (row === undefined || row.state !== "done") return;
      sql.forgetOutput.run(row.run);
      sql.setAcknowledged.run(1, row.run);
    },

    acknowledgeRefused(assignNos) {
      for (const assignNo of assignNos) sql.acknowledgeRefused.run(assignNo);
    },

    seeEpoch: (epoch) => void sql.seeEpoch.run(epoch),

    commit(operations) {
      inTransaction(() => {
        for (const operation of operations) operation();
      });
    },

    renew(ledgerId) {
      const aside = join(dirname(path), `ledger-${header().ledgerId}.db`);
      database.close();
      moveAside(path, aside);
      database = openDatabase(path, ledgerId);
      sql = prepareStatements(database);
    },

    trim(now) {
      const { oldestHeld, newest } = sql.trimBounds.get(now - policy.maxAgeMs) as {
        oldestHeld: number | null;
        newest: number | null;
      };
      if (newest === null) return 0;
      // Above the oldest row that the server hasn't acknowledged nothing is trimmed: `horizon` would pass it. Refusals
      // are acknowledged with the next Hello alone; one past its age must not keep a long session from trimming.
      const below = oldestHeld ?? newest + 1;
      const surplus = sql.surplus.get(policy.maxRows) as { assign_no: number } | undefined;
      const upTo = sql.trimUpTo.get(below, now - policy.maxAgeMs, surplus?.assign_no ?? 0) as {
        horizon: number | null;
      };
      if (upTo.horizon === null) return 0;
      const { horizon } = upTo;
      let trimmed = 0;
      inTransaction(() => {
        trimmed = Number(sql.trim.run(horizon).changes);
        sql.raiseHorizon.run(horizon);
      });
      return trimmed;
    },

    close: () => database.close(),
  };
}

function prepareStatements(database: DatabaseSync) {
  return {
    header: database.prepare("SELECT ledger_id, seen_epoch, highest, horizon FROM ledger"),
    raiseHighest: database.prepare("UPDATE ledger SET highest = ?1 WHERE highest < ?1"),
    raiseHorizon: database.prepare("UPDATE ledger SET horizon = ?1 WHERE horizon < ?1"),
    seeEpoch: database.prepare("UPDATE ledger SET seen_epoch = ?1 WHERE seen_epoch < ?1"),
    held: database.prepare("SELECT * FROM runs WHERE acknowledged = 0 ORDER BY assign_no"),
    findAccepted: database.prepare("SELECT * FROM runs WHERE command_id = ? AND attempt = ? AND state <> 'refused'"),
    findNumber: database.prepare("SELECT * FROM runs WHERE acknowledged IN (0, 1) AND assign_no = ?"),
    insert: database.prepare(
      "INSERT INTO runs (command_id, attempt, assign_no, type, state, refusal, accepted_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
    ),
    renumber: database.prepare("UPDATE runs SET assign_no = ? WHERE run = ?"),
    withdraw: database.prepare(
      "UPDATE runs SET state = 'refused', refusal = ? WHERE command_id = ? AND attempt = ? AND state = 'started'",
    ),
    spawned: database.prepare(
      "UPDATE runs SET pid = ?, process_started = ? WHERE command_id = ? AND attempt = ? AND state = 'started'",
    ),
    finish: database.prepare("UPDATE runs SET state = 'done', result = ? WHERE run = ?"),
    insertOutput: database.prepare("INSERT INTO output (run, byte, stream, data) VALUES (?, ?, ?, ?)"),
    output: database.prepare("SELECT byte, stream, data FROM output WHERE run = ? ORDER BY byte"),
    forgetOutput: database.prepare("DELETE FROM output WHERE run = ?"),
    setAcknowledged: database.prepare("UPDATE runs SET acknowledged = ? WHERE run = ?"),
    acknowledgeRefused: database.prepare("UPDATE runs SET acknowledged = 1 WHERE assign_no = ? AND state = 'refused'"),
    trimBounds: database.prepare(
      `SELECT min(assign_no) FILTER (WHERE acknowledged = 0 AND (state <> 'refused' OR accepted_at >= ?)) AS oldestHeld,
              max(assign_no) AS newest FROM runs`,
    ),
    surplus: database.prepare(
      "SELECT assign_no FROM runs WHERE acknowledged = 1 ORDER BY assign_no DESC LIMIT 1 OFFSET ?",
    ),
    trimUpTo: database.prepare(
      "SELECT max(assign_no) AS horizon FROM runs WHERE assign_no < ? AND (accepted_at < ? OR assign_no <= ?)",
    ),
    trim: database.prepare("DELETE FROM runs WHERE assign_no <= ? AND (acknowledged = 1 OR state = 'refused')"),
  };
}
