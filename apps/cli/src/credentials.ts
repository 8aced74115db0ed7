import { type Stats, closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Environment } from "./config.ts";
import { exitCodes } from "./exit-codes.ts";
import { CliFailure, usageFailure } from "./failure.ts";
import { errorCode, fieldsOf } from "./fields.ts";

/** Where the command-server is and what proves who we are. */
export interface Connection {
  url: URL;
  token: string;
}

export interface ConnectionFlags {
  url?: string;
  token?: string;
  home?: string;
}

const projectRoot = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

/**
 * Flag before environment before `cli.json`, for the URL and the token each. The file is looked for in `--home`, else
 * `FLEETWIRE_HOME`, else `.fleetwire/` of the current directory, else of the project.
 * Throws a CliFailure: 77 without a token, 78 where the file can't be used, 64 for a bad URL.
 */
export function resolveConnection(flags: ConnectionFlags, environment: Environment, cwd: string): Connection {
  const url = flags.url ?? environment.url;
  const token = flags.token ?? environment.token;
  const home = flags.home ?? environment.home;
  const places = home ? [resolve(cwd, home)] : [join(cwd, ".fleetwire"), join(projectRoot, ".fleetwire")];
  const file = url && token ? null : readCredentials(places.map((place) => join(place, "cli.json")));
  const foundToken = token ?? file?.token;
  if (!foundToken) {
    throw new CliFailure(exitCodes.notAllowed, "no token: there is none in --token, FLEETWIRE_TOKEN or cli.json", {
      hint: `"npm start" writes ${join(places.at(-1) ?? ".fleetwire", "cli.json")}; --home names another folder`,
    });
  }
  if (!/^[\x21-\x7e]+$/.test(foundToken)) throw usageFailure("the token holds characters that no token has");
  return { url: parseUrl(url ?? file?.url ?? "http://127.0.0.1:3004"), token: foundToken };
}

/** True where the token would cross a network readable to others. */
export function isOpenNetwork(url: URL): boolean {
  return url.protocol === "http:" && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !["http:", "https:"].includes(url.protocol)) {
    throw usageFailure(`"${text}" is not a URL of a command-server, such as http://127.0.0.1:3004`);
  }
  if (url.username || url.password) throw usageFailure("the URL holds a password: give the token with FLEETWIRE_TOKEN");
  return url;
}

function readCredentials(paths: string[]): { url: string | null; token: string | null } | null {
  for (const path of paths) {
    const text = readPrivateFile(path);
    if (text !== null) return parseCredentials(path, text);
  }
  return null;
}

function parseCredentials(path: string, text: string): { url: string | null; token: string | null } {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new CliFailure(exitCodes.settings, `${path} is not JSON`, { cause });
  }
  const { urls, token } = fieldsOf(content);
  const { commands } = fieldsOf(urls);
  return {
    url: typeof commands === "string" ? commands : null,
    token: typeof token === "string" ? token : null,
  };
}

/** Null where there is no such file. Checks the opened file, so that it can't be swapped in between. */
function readPrivateFile(path: string): string | null {
  let handle: number;
  try {
    handle = openSync(path, "r");
  } catch (cause) {
    const code = errorCode(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw new CliFailure(exitCodes.settings, `can't read ${path}: ${code ?? String(cause)}`, { cause });
  }
  try {
    checkPrivate(path, fstatSync(handle));
    return readFileSync(handle, "utf8");
  } finally {
    closeSync(handle);
  }
}

function checkPrivate(path: string, stats: Stats): void {
  if (!stats.isFile()) throw new CliFailure(exitCodes.settings, `${path} is not a file`);
  const user = process.getuid?.();
  if (user === undefined) return;
  if ((stats.mode & 0o077) !== 0) {
    throw new CliFailure(exitCodes.settings, `${path} holds a token and is open to other users; it is not used`, {
      hint: `chmod 600 '${path}'`,
    });
  }
  if (stats.uid !== user && stats.uid !== 0) {
    throw new CliFailure(exitCodes.settings, `${path} belongs to another user; it is not used`);
  }
}
