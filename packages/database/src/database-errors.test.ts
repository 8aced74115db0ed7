import { DatabaseError } from "pg";
import { expect, test } from "vitest";
import { isConnectionError, isSerializationError } from "./database-errors.ts";

function serverError(code: string, message = "from the server"): Error {
  const error = new DatabaseError(message, message.length, "error");
  error.code = code;
  return error;
}

const withCode = (code: string): Error => Object.assign(new Error("from the system"), { code });

test.each(["25P03", "57P01", "57P02", "57P03", "08000", "08006", "53300"])(
  "SQLSTATE %s is a connection error",
  (code) => {
    expect(isConnectionError(serverError(code))).toBe(true);
  },
);

test.each(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND"])("%s is a connection error", (code) => {
  expect(isConnectionError(withCode(code))).toBe(true);
  expect(isConnectionError(new AggregateError([withCode(code)]))).toBe(true);
  expect(isConnectionError(new Error("wrapped", { cause: withCode(code) }))).toBe(true);
});

test.each([
  "Connection terminated",
  "Connection terminated unexpectedly",
  "Connection terminated due to connection timeout",
  "timeout exceeded when trying to connect",
  "Query read timeout",
])("pg's %s is a connection error", (message) => {
  expect(isConnectionError(new Error(message))).toBe(true);
});

test("what the statement did wrong is no connection error, whatever it is called", () => {
  for (const code of ["23505", "42601", "57014", "40001", "28P01"]) {
    expect(isConnectionError(serverError(code, "Connection terminated, says a trigger"))).toBe(false);
  }
  expect(isConnectionError(new Error("no such row"))).toBe(false);
  expect(isConnectionError("ECONNRESET")).toBe(false);
});

test("serialization failures and deadlocks may be run again", () => {
  expect(isSerializationError(serverError("40001"))).toBe(true);
  expect(isSerializationError(serverError("40P01"))).toBe(true);
  expect(isSerializationError(serverError("40002"))).toBe(false);
});
