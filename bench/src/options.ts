/** What every suite is given. */
export interface BenchOptions {
  /** The checkout. */
  root: string;
  /** Every row that has a goal, fewer messages, three rounds. */
  quick: boolean;
  /** Tells the person who waits how far it is. */
  say: (line: string) => void;
}
