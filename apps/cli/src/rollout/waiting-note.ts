import type { RolloutCounts } from "../api/rollout.ts";

const afterMs = 5_000;

/** Says, once, why nothing moves: for some time commands have been with nobody but agents that don't take them. */
export function createWaitingNote(say: (words: string) => void): { see(counts: RolloutCounts): void; end(): void } {
  let timer: NodeJS.Timeout | undefined;
  let isTold = false;
  return {
    see({ assigned, queued }) {
      clearTimeout(timer);
      if (isTold || assigned > 0 || queued === 0) return;
      timer = setTimeout(() => {
        isTold = true;
        const whose =
          queued === 1
            ? "1 command waits for its agent, which is"
            : `${queued} commands wait for their agents, which are`;
        say(`${whose} away or busy`);
      }, afterMs);
    },
    end: () => clearTimeout(timer),
  };
}
