import { writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { Metadata, credentials, status, type ServiceError } from "@grpc/grpc-js";
import { CommandService } from "@fleetwire/proto";
import { removeTempDir, tempDir, testCertificates, type TestCertificates } from "@fleetwire/testbed";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiServer, type ApiServer } from "./api-server.ts";

let api: ApiServer;
let certificates: TestCertificates;
const folder = tempDir("tls");

beforeAll(async () => {
  certificates = await testCertificates();
  api = await startApiServer({
    COMMAND_SERVER_TLS_CERT: file("server.crt", certificates.cert),
    COMMAND_SERVER_TLS_KEY: file("server.key", certificates.key),
    COMMAND_SERVER_TLS_CA: file("ca.crt", certificates.ca),
  });
});
afterAll(async () => {
  await api.close();
  removeTempDir(folder);
});

/** Writes a file of this test and gives its path. */
function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

/** The status that a list of commands ends with, for a client with this certificate. */
function listWith(own: { cert: string; key: string } | null): Promise<string> {
  const [key, cert] = own === null ? [null, null] : [Buffer.from(own.key), Buffer.from(own.cert)];
  const channel = credentials.createSsl(Buffer.from(certificates.ca), key, cert);
  const client = new CommandService(api.running.grpcAddress.replace("127.0.0.1", "localhost"), channel);
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${api.tokens.acme}`);
  return new Promise((resolve) => {
    client.listCommands({}, metadata, { deadline: Date.now() + 5_000 }, (error: ServiceError | null) => {
      client.close();
      resolve(error ? (status[error.code] ?? "?") : "OK");
    });
  });
}

describe("gRPC with an authority", () => {
  test("takes a client with a certificate of it", async () => {
    expect(await listWith(certificates.client)).toBe("OK");
  });

  test("refuses a client without a certificate", async () => {
    expect(await listWith(null)).toBe("UNAVAILABLE");
  });

  test("refuses one with a certificate of another authority of the same name, and one that has expired", async () => {
    expect(await listWith((await testCertificates({ otherCa: true })).client)).toBe("UNAVAILABLE");
    expect(await listWith((await testCertificates({ expired: true })).client)).toBe("UNAVAILABLE");
  });
});

test("HTTP is served by TLS", async () => {
  expect(api.running.httpUrl).toMatch(/^https:/);
  const answer = await new Promise<number | undefined>((resolve, reject) => {
    request(`${api.running.httpUrl}/health/live`, { ca: certificates.ca }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
  expect(answer).toBe(200);
});
