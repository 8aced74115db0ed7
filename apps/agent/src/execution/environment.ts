export const defaultEnvironmentNames = [
  "PATH",
  "HOME",
  "LANG",
  "LC_*",
  "TZ",
  "TMPDIR",
  "USER",
  "LOGNAME",
  "SHELL",
] as const;

// The agent's own secret, whatever is listed.
const neverSelected: ReadonlySet<string> = new Set(["FLEETWIRE_JOIN_TOKEN"]);

/**
 * The variables whose names are listed; a `*` at the end of a listed name stands for any rest. The join token is never
 * among them.
 */
export function selectEnvironment(environment: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> {
  const exact = new Set(names);
  const prefixes = names.filter((name) => name.endsWith("*")).map((name) => name.slice(0, -1));
  const selected: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || neverSelected.has(name)) continue;
    if (exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix))) selected[name] = value;
  }
  return selected;
}
