import { timingSafeEqual } from "node:crypto";
import { watch, type FSWatcher } from "node:fs";
import { basename, dirname } from "node:path";
import { systemClock, type Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { Principal, TokenVerifier } from "./principal.ts";
import { markOf, readTokenFile, type FileMark, type TokenEntry } from "./token-file.ts";
import { hashToken } from "./token.ts";

const statEveryMs = 1_000;

interface KnownToken {
  digest: Buffer;
  principal: Principal;
}

/**
 * Verifies tokens against a JSON file of their SHA-256 hashes: `{ tokens: [{ sha256, kind, id, companyId, scopes }] }`.
 * The file is read again when it changes (at once where the file system tells, else at the first token after a
 * second); one that can't be read then is logged and the tokens known before stay good. Rejects when the file can't be
 * read at the start, or its mode lets group or world at it.
 */
export async function createTokenFileVerifier(options: {
  path: string;
  log: Logger;
  clock?: Clock;
}): Promise<TokenVerifier & { close(): void }> {
  const { path, log, clock = systemClock } = options;
  let mark = await markOf(path);
  let tokens = index(await readTokenFile(path));
  let lookedAt = clock.monotonicMs();
  let looking: Promise<void> | null = null;

  async function look(): Promise<void> {
    const now = await markOf(path);
    if (isSame(now, mark)) return;
    mark = now;
    try {
      tokens = index(await readTokenFile(path));
      log.info({ path, count: tokens.size }, "token file reloaded");
    } catch (err) {
      log.error({ path, err }, "token file can't be reloaded; the tokens known before stay good");
    }
  }

  function refresh(): Promise<void> {
    lookedAt = clock.monotonicMs();
    looking ??= look().finally(() => (looking = null));
    return looking;
  }

  const watcher = watchFolder(path, () => void refresh(), log);

  return {
    async verify(token) {
      if (clock.monotonicMs() - lookedAt >= statEveryMs) await refresh();
      const sha256 = hashToken(token);
      const known = tokens.get(sha256);
      // What a lookup's timing gives away is about the hash, which nobody can steer towards a known one.
      return known !== undefined && timingSafeEqual(known.digest, Buffer.from(sha256, "hex")) ? known.principal : null;
    },
    close() {
      watcher?.close();
    },
  };
}

function index(entries: readonly TokenEntry[]): Map<string, KnownToken> {
  return new Map(
    entries.map(({ sha256, ...principal }) => [sha256, { digest: Buffer.from(sha256, "hex"), principal }]),
  );
}

function isSame(a: FileMark | null, b: FileMark | null): boolean {
  return a?.ino === b?.ino && a?.ctimeMs === b?.ctimeMs && a?.size === b?.size;
}

/** Watches the folder, since a replaced file is another inode. Null where the system can't watch: looking has to do. */
function watchFolder(path: string, onChange: () => void, log: Logger): FSWatcher | null {
  try {
    const watcher = watch(dirname(path), { persistent: false }, (_event, file) => {
      if (file === null || file === basename(path)) onChange();
    });
    watcher.on("error", (err) => {
      log.warn({ path, err }, "token file isn't watched any more; it is looked at when a token comes");
      watcher.close();
    });
    return watcher;
  } catch (err) {
    log.warn({ path, err }, "token file can't be watched; it is looked at when a token comes");
    return null;
  }
}
