import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLedger, eventually, type Ledger } from "@fleetwire/testbed";
import { rounds } from "./config.ts";
import type { Fleet } from "./fleet.ts";
import type { CommandView } from "./operator.ts";

/** A command whose every execution leaves a line in a file that neither server nor agent knows of. */
export interface Piece {
  /** Its name in the ledger. */
  token: string;
  agentId: string;
  /** Null until the server has confirmed it. */
  commandId: string | null;
}

/** Queues commands and keeps the ledger that decides what became of them. */
export interface Work {
  readonly ledger: Ledger;
  /** Queues one command that writes its line and ends. Resolves when the server confirmed it. */
  queue(agentId: string, extra?: Record<string, unknown>): Promise<Piece>;
  /** Like `queue`, but the command goes on after its line until `release` is called, or the test's folder is gone. */
  queueHeld(agentId: string, extra?: Record<string, unknown>): Promise<Piece>;
  /** Lets every held command end. */
  release(): void;
  /** How often this piece really ran. */
  effects(piece: Piece): number;
  /** Waits until it has begun to run. */
  began(piece: Piece): Promise<void>;
  /**
   * Waits until every confirmed command has ended, and lets the ledger judge: nothing lost, nothing twice.
   *
   * @param allowed how commands may end besides `completed`, as `status` or `status:error`.
   */
  settle(allowed?: readonly string[], deadlineMs?: number): Promise<CommandView[]>;
}

/** @param name a folder of the fleet, and the prefix of this work's names. */
export function createWork(fleet: Fleet, name = "work"): Work {
  const folder = fleet.folder(name);
  const gate = join(folder, "release");
  const ledger = createLedger();
  const effectFile = ledger.effectFile(folder);
  const pieces: Piece[] = [];

  const effects = (piece: Piece): number => ledger.readEffects().get(piece.token) ?? 0;
  const queue = async (agentId: string, after: string, extra: Record<string, unknown>): Promise<Piece> => {
    const piece: Piece = { token: `${name}-${pieces.length + 1}`, agentId, commandId: null };
    pieces.push(piece);
    const command = ledger.effectCommand(piece.token, effectFile) + after;
    ledger.attempted(piece.token);
    piece.commandId = await fleet.operator.queue({ agentId, command, ...extra });
    ledger.confirmed(piece.token);
    return piece;
  };

  return {
    ledger,
    queue: (agentId, extra = {}) => queue(agentId, "", extra),
    queueHeld: (agentId, extra = {}) =>
      queue(agentId, `; while [ -d '${folder}' ] && [ ! -e '${gate}' ]; do sleep 0.05; done`, extra),
    release: () => writeFileSync(gate, ""),
    effects,
    began: async (piece) => {
      await eventually(() => effects(piece) > 0, { deadlineMs: 20_000, what: `${piece.token} to run` });
    },
    settle: async (allowed = [], deadlineMs = rounds(40_000, 300_000)) => {
      const wrong: string[] = [];
      const settleOne = async ({ token, commandId }: Piece): Promise<CommandView> => {
        const end = await fleet.ended(commandId ?? "", deadlineMs);
        ledger.received(token, end.status);
        const how = end.result?.error ? `${end.status}:${end.result.error}` : end.status;
        if (end.status !== "completed" && !allowed.includes(how) && !allowed.includes(end.status)) {
          wrong.push(`${token} ended ${how} ${JSON.stringify(end.result)}`);
        }
        return end;
      };
      const ends = await Promise.all(pieces.filter(({ commandId }) => commandId !== null).map(settleOne));
      ledger.assertNothingLostNothingTwice();
      if (wrong.length > 0) throw new Error(wrong.join("\n"));
      return ends;
    },
  };
}
