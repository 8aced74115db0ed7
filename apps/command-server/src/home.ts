import { randomUUID } from "node:crypto";
import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ensureTokenFile, writeTokenFile, newToken, type Principal } from "@fleetwire/service";

/** What FLEETWIRE_HOME/cli.json holds: all that the command line needs to reach this installation. */
export interface CliFile {
  urls: { commands: string; grpc: string; [service: string]: string };
  token: string;
  /** Lets an agent on this machine enrol. */
  joinToken?: string;
}

const operator: Principal = { kind: "operator", id: "local", companyId: "default", scopes: ["*"] };

/** Others may pass through, not look: as root, the embedded database runs as another user and keeps its data in here. */
const homeMode = 0o711;

export function tokenFileIn(home: string): string {
  return join(home, "tokens.json");
}

/**
 * Sees to it that the home has a token file, and resolves to an operator's token that is good for it: the one in
 * cli.json, or a new one. Only hashes are in the token file; when cli.json is lost, its token is replaced.
 */
export async function ensureOperatorToken(home: string): Promise<string> {
  await mkdir(home, { recursive: true, mode: homeMode });
  const made = await ensureTokenFile(tokenFileIn(home), operator);
  if (made !== null) return made;
  const known = (await readCliFile(home))?.token;
  if (known !== undefined) return known;
  const token = newToken();
  await writeTokenFile(tokenFileIn(home), [{ ...operator, token }]);
  return token;
}

/** Null when there is none, or none that can be read. */
export async function readCliFile(home: string): Promise<CliFile | null> {
  try {
    const content: unknown = JSON.parse(await readFile(cliFileIn(home), "utf8"));
    return isCliFile(content) ? content : null;
  } catch {
    return null;
  }
}

/** Writes cli.json whole or not at all, readable for its owner alone. */
export async function writeCliFile(home: string, content: CliFile): Promise<string> {
  const path = cliFileIn(home);
  await mkdir(dirname(path), { recursive: true, mode: homeMode });
  const draft = `${path}.${randomUUID()}.tmp`;
  await writeFile(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: "wx" });
  await chmod(draft, 0o600);
  await rename(draft, path);
  return path;
}

function cliFileIn(home: string): string {
  return join(home, "cli.json");
}

function isCliFile(content: unknown): content is CliFile {
  return typeof content === "object" && content !== null && "token" in content && typeof content.token === "string";
}
