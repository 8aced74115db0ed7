import { stripVTControlCharacters } from "node:util";
import type { Screen } from "./terminal.ts";
import { displayWidth } from "./width.ts";
import { onSuspend, onTermination } from "./signals.ts";

/** One line on a terminal that is drawn over and over in its place, with the cursor hidden. */
export interface LiveLine {
  /** `line` may hold colours. Left out while the terminal still takes the one before. */
  draw(line: string): void;
  /** Takes the line away, so that something can be written in its place. */
  erase(): Promise<void>;
  /** Takes the line away for good and brings the cursor back. */
  end(): Promise<void>;
}

const hideCursor = "\u001b[?25l";
const showCursor = "\u001b[?25h";
/** From the cursor on, to the end of the screen. */
const eraseBelow = "\u001b[J";

export function createLiveLine(screen: Screen): LiveLine {
  let drawnWidth = 0;
  let isBusy = false;
  let isOver = false;

  /** Who narrows the window has the terminal break the line into rows: all of them go. */
  const backToBegin = () => {
    const rows = Math.max(1, Math.ceil(drawnWidth / Math.max(1, screen.columns ?? drawnWidth)));
    drawnWidth = 0;
    return `${rows > 1 ? `\u001b[${rows - 1}A` : ""}\r`;
  };
  // Nobody is left to see it: no reason to end.
  const write = (text: string) => screen.write(text).catch(() => undefined);
  const erase = (after = "") => write(backToBegin() + eraseBelow + after);
  const restore = () => void erase(showCursor);
  const forget = [onTermination(restore), onSuspend(restore)];

  return {
    draw(line) {
      if (isBusy || isOver) return;
      isBusy = true;
      // What was there is written over and not taken away first: nothing flickers.
      const text = backToBegin() + hideCursor + line + eraseBelow;
      drawnWidth = displayWidth(stripVTControlCharacters(line));
      void write(text).then(() => (isBusy = false));
    },
    async erase() {
      await erase();
    },
    async end() {
      if (isOver) return;
      isOver = true;
      for (const undo of forget) undo();
      await erase(showCursor);
    },
  };
}
