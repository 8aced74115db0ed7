import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@fleetwire/testbed";
import type { Fleet } from "./fleet.ts";
import type { CommandView } from "./operator.ts";

/** A command whose every execution leaves a line in a file that neither server nor agent knows. */
export interface Piece {
  token: string;
  agentId: string;
  /** Null until the server has confirmed it. */
  commandId: string | null;
}

/** The independent ledger of a fault test: what was asked, what was confirmed, what really ran. */
export interface Work {
  /** Queues one command that writes its line and ends. Resolves when the server confirmed it. */
  queue(agentId: string, extra?: Record<string, unknown>): Promise<Piece>;
  /** Like `queue`, but the command goes on after its line until `release` is called. */
  queueHeld(agentId: string, extra?: Record<string, unknown>): Promise<Piece>;
  /** Lets every held command end. */
  release(): void;
  /** How often this piece really ran. */
  effects(piece: Piece): number;
  /** Waits until it has begun to run. */
  began(piece: Piece): Promise<void>;
  /**
   * Waits for every confirmed command to end, then compares the books. Throws with a line per difference:
   * a completed command without exactly one effect, any command with two, one that never ended.
   *
   * @param allowed statuses besides `completed` that this fault may lead to, as `status` or `status:error`.
   */
  settle(allowed?: readonly string[], deadlineMs?: number): Promise<CommandView[]>;
}

export function createWork(fleet: Fleet, name = "work"): Work {
  const folder = fleet.folder(name);
  const effectsFile = join(folder, "effects");
  const gate = join(folder, "release");
  const pieces: Piece[] = [];
  let next = 0;

  const lines = (): string[] =>
    existsSync(effectsFile) ? readFileSync(effectsFile, "utf8").split("\n").slice(0, -1) : [];
  const effects = (piece: Piece): number => lines().filter((line) => line === piece.token).length;

  const queue = async (
    agentId: string,
    script: (token: string) => string,
    extra: Record<string, unknown>,
  ): Promise<Piece> => {
    const piece: Piece = { token: `${name}-${++next}`, agentId, commandId: null };
    pieces.push(piece);
    piece.commandId = await fleet.operator.queue({ agentId, command: script(piece.token), ...extra });
    return piece;
  };
  const write = (token: string): string => `printf '%s\\n' ${token} >> '${effectsFile}'`;

  return {
    queue: (agentId, extra = {}) => queue(agentId, write, extra),
    queueHeld: (agentId, extra = {}) =>
      queue(agentId, (token) => `${write(token)}; while [ ! -e '${gate}' ]; do sleep 0.05; done`, extra),
    release: () => writeFileSync(gate, ""),
    effects,
    began: async (piece) => {
      await eventually(() => effects(piece) > 0, { deadlineMs: 20_000, what: `${piece.token} to run` });
    },
    settle: async (allowed = [], deadlineMs = 40_000) => {
      const confirmed = pieces.filter((piece) => piece.commandId !== null);
      const ends = await Promise.all(confirmed.map((piece) => fleet.ended(piece.commandId ?? "", deadlineMs)));
      const wrong = [
        ...pieces.filter((piece) => effects(piece) > 1).map((piece) => `${piece.token} ran ${effects(piece)} times`),
        ...confirmed.flatMap((piece, i) => {
          const end = ends[i];
          if (end === undefined) return [`${piece.token} never ended`];
          const how = end.result?.error ? `${end.status}:${end.result.error}` : end.status;
          if (end.status === "completed")
            return effects(piece) === 1 ? [] : [`${piece.token} is completed and ran ${effects(piece)} times`];
          return allowed.includes(how) || allowed.includes(end.status) ? [] : [`${piece.token} ended ${how}`];
        }),
      ];
      if (wrong.length > 0) throw new Error(`the books differ:\n${wrong.join("\n")}`);
      return ends;
    },
  };
}
