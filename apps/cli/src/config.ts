/** The one place that reads the environment. */
export interface Environment {
  url: string | null;
  token: string | null;
  /** Folder that holds `cli.json`. */
  home: string | null;
  /** https://no-color.org: set and not empty. */
  noColor: boolean;
  dumbTerminal: boolean;
}

export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  return {
    url: env["FLEETWIRE_URL"] || null,
    token: env["FLEETWIRE_TOKEN"] || null,
    home: env["FLEETWIRE_HOME"] || null,
    noColor: Boolean(env["NO_COLOR"]),
    dumbTerminal: env["TERM"] === "dumb",
  };
}
