import { isIPv4, isIPv6 } from "node:net";

/** What a service is told about its database; undefined or empty: not set. */
export interface DatabaseSettingsInput {
  /** As in `command-server`. */
  service: string;
  /** A server; the service uses the database `fleetwire_<service>` on it. */
  databaseUrl?: string | undefined;
  /** The database itself. */
  serviceDatabaseUrl?: string | undefined;
  host?: string | undefined;
  port?: number | undefined;
  user?: string | undefined;
  password?: string | undefined;
  name?: string | undefined;
}

/** Where a service's database is. */
export type DatabaseTarget =
  /** On the embedded server. */
  | { kind: "embedded"; database: string }
  /** On this server; create it with `ensureDatabase(url, database)`. */
  | { kind: "server"; url: string; database: string }
  /** This one; whoever named it created it. */
  | { kind: "database"; url: string; database: string };

/** Settings about the database that contradict each other or are unsafe. One line per problem; never a password. */
export class DatabaseSettingsError extends Error {
  override readonly name = "DatabaseSettingsError";
}

/**
 * Which database the settings mean: `<SERVICE>_DATABASE_URL`, else `DATABASE_URL` or `DB_*` (with `DB_NAME` the
 * database itself, else `fleetwire_<service>` on that server), else the embedded server.
 *
 * @throws DatabaseSettingsError when two settings say different things, a URL isn't PostgreSQL's, or a well-known
 * password is used on another machine.
 */
export function resolveDatabaseUrl(input: DatabaseSettingsInput): DatabaseTarget {
  const { service, databaseUrl, serviceDatabaseUrl } = input;
  const parts = partsOf(input);
  const database = databaseName(service);
  if (serviceDatabaseUrl) {
    const variable = serviceVariable(service);
    const url = parseUrl(variable, serviceDatabaseUrl);
    const named = decodeURIComponent(url.pathname.slice(1));
    if (named === "")
      throw new DatabaseSettingsError(`${variable} names no database: expected postgresql://…/database`);
    refuseContradiction(variable, url, parts, named);
    return { kind: "database", url: checked(variable, url), database: named };
  }
  if (databaseUrl) {
    const url = parseUrl("DATABASE_URL", databaseUrl);
    refuseContradiction("DATABASE_URL", url, parts, null);
    return target("DATABASE_URL", url, parts.DB_NAME, database);
  }
  if (parts.DB_HOST !== undefined) {
    const url = new URL("postgresql://localhost");
    const host = isIPv6(parts.DB_HOST) ? `[${parts.DB_HOST}]` : parts.DB_HOST;
    // URL ignores what it can't take as a host and leaves the one before, or takes a part of it.
    url.hostname = host;
    if (url.hostname !== host && !isIPv6(parts.DB_HOST)) {
      throw new DatabaseSettingsError("DB_HOST isn't a host's name or address; a port belongs in DB_PORT");
    }
    url.port = parts.DB_PORT ?? "5432";
    url.username = encodeURIComponent(parts.DB_USER ?? "fleetwire");
    url.password = encodeURIComponent(parts.DB_PASSWORD ?? "");
    return target("DB_PASSWORD", url, parts.DB_NAME, database);
  }
  const alone = Object.keys(parts);
  if (alone.length > 0) {
    throw new DatabaseSettingsError(`${alone.join(", ")} without DB_HOST or DATABASE_URL: which server?`);
  }
  return { kind: "embedded", database };
}

const partNames = ["DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME"] as const;
type Parts = Partial<Record<(typeof partNames)[number], string>>;

function partsOf({ host, port, user, password, name }: DatabaseSettingsInput): Parts {
  const all = { DB_HOST: host, DB_PORT: port, DB_USER: user, DB_PASSWORD: password, DB_NAME: name };
  const parts: Parts = {};
  for (const part of partNames) {
    const value = all[part];
    if (value !== undefined && value !== "") parts[part] = String(value);
  }
  return parts;
}

function target(variable: string, url: URL, name: string | undefined, database: string): DatabaseTarget {
  if (name === undefined) return { kind: "server", url: checked(variable, url), database };
  url.pathname = `/${encodeURIComponent(name)}`;
  return { kind: "database", url: checked(variable, url), database: name };
}

/** A URL and DB_* may say the same, but not different things. */
function refuseContradiction(variable: string, url: URL, parts: Parts, database: string | null): void {
  const said: Parts = {
    DB_HOST: url.hostname,
    DB_PORT: url.port || "5432",
    DB_USER: decodeURIComponent(url.username),
    DB_PASSWORD: decodeURIComponent(url.password),
    ...(database === null ? {} : { DB_NAME: database }),
  };
  const different = partNames.filter(
    (name) => parts[name] !== undefined && said[name] !== undefined && said[name] !== parts[name],
  );
  if (different.length === 0) return;
  throw new DatabaseSettingsError(
    different.map((name) => `${name} and ${variable} say different things: set one of them`).join("\n"),
  );
}

function parseUrl(variable: string, value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url !== null && /^postgres(?:ql)?:$/.test(url.protocol)) {
    if ([url.username, url.password, url.pathname].every(isDecodable)) return url;
    throw new DatabaseSettingsError(`${variable} has a % that isn't followed by two hex digits: write it as %25`);
  }
  throw new DatabaseSettingsError(`${variable} isn't a PostgreSQL URL: expected postgresql://user:password@host:port`);
}

function isDecodable(part: string): boolean {
  try {
    decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

const wellKnownPasswords = new Set([
  "postgres",
  "helixagent123",
  "guest",
  "password",
  "queue_password123",
  "fleetwire",
  "admin",
  "secret",
  "changeme",
  "root",
]);

function checked(variable: string, url: URL): string {
  const password = decodeURIComponent(url.password);
  if (wellKnownPasswords.has(password) && !isLoopback(url)) {
    throw new DatabaseSettingsError(
      `${variable} has a well-known password for ${url.hostname}, which isn't this machine: choose another`,
    );
  }
  return url.toString();
}

function isLoopback(url: URL): boolean {
  // A socket's folder comes as ?host=/run/postgresql
  const host = url.searchParams.get("host") ?? url.hostname;
  return (
    host === "" ||
    host === "localhost" ||
    host === "[::1]" ||
    (isIPv4(host) && host.startsWith("127.")) ||
    host.startsWith("/")
  );
}

function databaseName(service: string): string {
  return `fleetwire_${service.replaceAll("-", "_")}`;
}

function serviceVariable(service: string): string {
  return `${service.replaceAll("-", "_").toUpperCase()}_DATABASE_URL`;
}
