import { randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Type, type Static } from "typebox";
import { Compile } from "typebox/compile";
import type { Principal } from "./principal.ts";
import { hashToken, newToken } from "./token.ts";

const tokenEntry = Type.Object(
  {
    sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
    kind: Type.Union([Type.Literal("user"), Type.Literal("service"), Type.Literal("agent"), Type.Literal("operator")]),
    id: Type.String({ minLength: 1, maxLength: 256 }),
    companyId: Type.String({ minLength: 1, maxLength: 128 }),
    scopes: Type.Array(Type.String({ minLength: 1 })),
  },
  { additionalProperties: false },
);
const tokenFile = Type.Object({ tokens: Type.Array(tokenEntry) }, { additionalProperties: false });
const checker = Compile(tokenFile);

/** One token as the file keeps it: its hash, never itself. */
export type TokenEntry = Static<typeof tokenEntry>;

/** What a file is recognised by to have changed. */
export interface FileMark {
  ino: number;
  ctimeMs: number;
  size: number;
}

/** The file's mark, or null when there is no file. */
export async function markOf(path: string): Promise<FileMark | null> {
  try {
    const { ino, ctimeMs, size } = await stat(path);
    return { ino, ctimeMs, size };
  } catch {
    return null;
  }
}

/**
 * The file's tokens. Rejects with a sentence for the operator when it can't be read, is open to others
 * (any permission of group or world), or isn't `{ tokens: [{ sha256, kind, id, companyId, scopes }] }`.
 */
export async function readTokenFile(path: string): Promise<TokenEntry[]> {
  await refuseOpenFile(path);
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new Error(`The token file ${path} can't be read.`, { cause });
  });
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // The parser's message quotes the text.
    throw new Error(`The token file ${path} isn't JSON.`);
  }
  if (checker.Check(content)) return content.tokens;
  const [first] = checker.Errors(content);
  throw new Error(`The token file ${path} is not as expected: ${first?.instancePath ?? ""} ${first?.message ?? ""}.`);
}

async function refuseOpenFile(path: string): Promise<void> {
  const { mode } = await stat(path).catch((cause: unknown) => {
    throw new Error(`The token file ${path} can't be read.`, { cause });
  });
  // Windows has no such bits.
  if (process.platform === "win32" || (mode & 0o077) === 0) return;
  const octal = (mode & 0o777).toString(8).padStart(4, "0");
  throw new Error(`The token file ${path} is open to other users (mode ${octal}): run "chmod 600 ${path}".`);
}

/** Writes the file anew, mode 0600, whole or not at all. Entries with a plain `token` are hashed. */
export async function writeTokenFile(
  path: string,
  entries: readonly (TokenEntry | (Principal & { token: string }))[],
): Promise<void> {
  const draft = await writeDraft(path, entries);
  await rename(draft, path);
}

/**
 * Sees to it that the file exists. When it doesn't, it is made with one new token for `principal`, which is resolved
 * to (it can't be read again later); else null. Of processes that do this at once, one makes it.
 */
export async function ensureTokenFile(path: string, principal: Principal): Promise<string | null> {
  if ((await markOf(path)) !== null) return null;
  const token = newToken();
  const draft = await writeDraft(path, [{ ...principal, token }]);
  try {
    // Unlike rename, link fails when the file has come into being meanwhile.
    await link(draft, path);
    return token;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return null;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeDraft(
  path: string,
  entries: readonly (TokenEntry | (Principal & { token: string }))[],
): Promise<string> {
  const tokens = entries.map((entry): TokenEntry => {
    const { kind, id, companyId, scopes } = entry;
    const sha256 = "token" in entry ? hashToken(entry.token) : entry.sha256;
    return { sha256, kind, id, companyId, scopes: [...scopes] };
  });
  const draft = `${path}.${randomUUID()}.tmp`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(draft, "wx", 0o600);
  try {
    await file.writeFile(`${JSON.stringify({ tokens }, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  return draft;
}
