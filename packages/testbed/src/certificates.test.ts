import { once } from "node:events";
import { connect, type ConnectionOptions, createServer } from "node:tls";
import { expect, test } from "vitest";
import { type CertificateOptions, testCertificates, type TestCertificates } from "./certificates.ts";
import { freePort } from "./free-port.ts";

/** One handshake with a server that asks for a client certificate of the trusted CA; gives the name that it saw. */
async function handshake(made: TestCertificates, options: ConnectionOptions): Promise<string | undefined> {
  const server = createServer({
    ca: made.ca,
    cert: made.cert,
    key: made.key,
    requestCert: true,
    rejectUnauthorized: false,
  });
  const port = await freePort();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const seen = new Promise<string | undefined>((resolve) => {
    server.on("secureConnection", (socket) => {
      const name = socket.getPeerCertificate().subject?.CN;
      resolve(socket.authorized && typeof name === "string" ? name : undefined);
      socket.destroy();
    });
  });
  server.on("tlsClientError", () => {}); // the client's side tells it
  const socket = connect({ port, host: "127.0.0.1", ca: made.ca, servername: "localhost", ...options });
  try {
    await once(socket, "secureConnect");
    return await seen;
  } finally {
    socket.destroy();
    server.close();
  }
}

test("a client that trusts the CA reaches the server by each of its names, and is known by its own", async () => {
  const made = await testCertificates({ names: ["localhost", "agents.test", "127.0.0.1"] });
  expect(await handshake(made, { ...made.client })).toBe("fleetwire-test-client");
  expect(await handshake(made, { ...made.client, servername: "agents.test" })).toBe("fleetwire-test-client");
  expect(await handshake(made, { ...made.client, servername: "" })).toBe("fleetwire-test-client");
  expect(await handshake(made, {})).toBeUndefined();
  await expect(handshake(made, { servername: "elsewhere.test" })).rejects.toThrow(/does not match certificate/);
});

test.each<[CertificateOptions, RegExp]>([
  [{ expired: true }, /certificate has expired/],
  [{ otherCa: true }, /signature failure|unable to verify|self-signed|certificate signature/],
])("a server with %o is refused", async (options, reason) => {
  const made = await testCertificates(options);
  await expect(handshake(made, {})).rejects.toThrow(reason);
});
