/** What every suite is given. */
export interface BenchOptions {
  /** The checkout. */
  root: string;
  /** Every row that has a goal, fewer messages, three rounds. */
  quick: boolean;
  /** Names of stores or providers, such as `valkey`; null: all. */
  only: readonly string[] | null;
  /** Tells the person who waits how far it is. */
  say: (line: string) => void;
}
