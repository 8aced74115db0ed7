import { expect, test } from "vitest";
import { resolveDatabaseUrl } from "./database-settings.ts";

const service = "command-server";

test("with nothing set the embedded server has the service's database", () => {
  expect(resolveDatabaseUrl({ service })).toEqual({ kind: "embedded", database: "fleetwire_command_server" });
  const unset = { databaseUrl: "", serviceDatabaseUrl: "", host: "", user: "", password: "", name: "" };
  expect(resolveDatabaseUrl({ service, ...unset })).toEqual({ kind: "embedded", database: "fleetwire_command_server" });
});

test("DATABASE_URL names a server, on which each service has a database of its own", () => {
  const databaseUrl = "postgresql://app:s3cret-one@db.example:6432";
  expect(resolveDatabaseUrl({ service, databaseUrl })).toEqual({
    kind: "server",
    url: databaseUrl,
    database: "fleetwire_command_server",
  });
});

test("<SERVICE>_DATABASE_URL names the database itself and goes before DATABASE_URL", () => {
  const serviceDatabaseUrl = "postgres://app:s3cret-one@db.example/commands?sslmode=require";
  const target = resolveDatabaseUrl({ service, databaseUrl: "postgresql://other.example", serviceDatabaseUrl });
  expect(target).toEqual({ kind: "database", url: serviceDatabaseUrl, database: "commands" });
});

test("DB_* names a server, or with DB_NAME a database; parts are escaped", () => {
  const parts = { service, host: "db.example", user: "a user", password: "p@ss/word:1" };
  expect(resolveDatabaseUrl(parts)).toEqual({
    kind: "server",
    url: "postgresql://a%20user:p%40ss%2Fword%3A1@db.example:5432",
    database: "fleetwire_command_server",
  });
  expect(resolveDatabaseUrl({ ...parts, port: 3306, name: "queue service" })).toEqual({
    kind: "database",
    url: "postgresql://a%20user:p%40ss%2Fword%3A1@db.example:3306/queue%20service",
    database: "queue service",
  });
  expect(resolveDatabaseUrl({ service, host: "::1" })).toMatchObject({ url: "postgresql://fleetwire@[::1]:5432" });
});

test("DB_NAME with DATABASE_URL chooses the database on that server", () => {
  expect(resolveDatabaseUrl({ service, databaseUrl: "postgresql://db.example", name: "queue" })).toEqual({
    kind: "database",
    url: "postgresql://db.example/queue",
    database: "queue",
  });
});

test("a URL and DB_* may agree, but a contradiction is an error that names each variable and no password", () => {
  const databaseUrl = "postgresql://app:s3cret-one@db.example:6432";
  const agreeing = { host: "db.example", port: 6432, user: "app", password: "s3cret-one" };
  expect(resolveDatabaseUrl({ service, databaseUrl, ...agreeing })).toMatchObject({ url: databaseUrl });
  const contradiction = (): unknown =>
    resolveDatabaseUrl({ service, databaseUrl, host: "other.example", password: "s3cret-two" });
  expect(contradiction).toThrow(
    "DB_HOST and DATABASE_URL say different things: set one of them\nDB_PASSWORD and DATABASE_URL say different things: set one of them",
  );
  expect(contradiction).not.toThrow(/s3cret/);
});

test("DB_* without a server to apply to is an error", () => {
  expect(() => resolveDatabaseUrl({ service, password: "s3cret-one" })).toThrow("DB_PASSWORD without DB_HOST");
});

test.each(["db.example:6432", "db.example/queue", "user@db.example", "a b", "[::1", "/run/postgresql"])(
  "DB_HOST=%s is an error, never another host",
  (host) => {
    expect(() => resolveDatabaseUrl({ service, host })).toThrow("DB_HOST isn't a host's name or address");
  },
);

test("a stray % in a URL is an error that says how to write it", () => {
  expect(() => resolveDatabaseUrl({ service, databaseUrl: "postgresql://app:100%@db.example" })).toThrow(
    "DATABASE_URL has a % that isn't followed by two hex digits: write it as %25",
  );
});

test.each(["mysql://db.example", "db.example", "https://db.example"])("%s is no PostgreSQL URL", (databaseUrl) => {
  expect(() => resolveDatabaseUrl({ service, databaseUrl })).toThrow("DATABASE_URL isn't a PostgreSQL URL");
});

test("a service's URL without a database is an error", () => {
  expect(() => resolveDatabaseUrl({ service, serviceDatabaseUrl: "postgresql://db.example" })).toThrow(
    "COMMAND_SERVER_DATABASE_URL names no database",
  );
});

test.each(["postgres", "helixagent123", "guest", "password"])(
  "the well-known password %s is taken on this machine and refused elsewhere",
  (password) => {
    for (const host of ["localhost", "127.0.0.1", "127.1.2.3", "::1"]) {
      expect(resolveDatabaseUrl({ service, host, password })).toMatchObject({ kind: "server" });
    }
    for (const host of ["db.example", "10.0.0.1", "127.example.org"]) {
      expect(() => resolveDatabaseUrl({ service, host, password })).toThrow("well-known password");
    }
  },
);
