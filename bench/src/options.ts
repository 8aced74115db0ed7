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

/** What can't be measured as it was asked for: the message is all that whoever asked needs. */
export class UsageError extends Error {}

/** Those of `names` that were asked for. @throws UsageError for one that isn't there. */
export function chosen<Name extends string>(names: readonly Name[], only: readonly string[] | null): readonly Name[] {
  const unknown = only?.find((name) => !names.some((one) => one === name));
  if (unknown !== undefined) throw new UsageError(`--only: there is no "${unknown}" here, only ${names.join(", ")}`);
  return names.filter((name) => only === null || only.includes(name));
}
