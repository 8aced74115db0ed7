import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setDefaultCACertificates } from "node:tls";
import { tempDir, testCertificates, type TestCertificates } from "@fleetwire/testbed";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startFleet, type Fleet } from "../src/fleet.ts";

let fleet: Fleet;
let certificates: TestCertificates;
const folder = tempDir("tls");

/** Writes a file of this test and gives its path. */
function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content, { mode: 0o600 });
  return join(folder, name);
}

beforeAll(async () => {
  certificates = await testCertificates();
  setDefaultCACertificates([certificates.ca]);
  fleet = await startFleet({
    settings: {
      COMMAND_SERVER_TLS_CERT: file("server.crt", certificates.cert),
      COMMAND_SERVER_TLS_KEY: file("server.key", certificates.key),
      COMMAND_SERVER_TLS_CA: file("ca.crt", certificates.ca),
    },
  });
});

afterAll(() => fleet.close());

const trusted = (): string[] => ["--ca-file", join(folder, "ca.crt")];
const ownCertificate = (): string[] => [
  "--cert-file",
  file("agent.crt", certificates.client.cert),
  "--key-file",
  file("agent.key", certificates.client.key),
];

test("over TLS, with a certificate of its own where the server asks for one, an agent enrols, connects and runs a command", async () => {
  const agent = await fleet.agent("secure", { args: [...trusted(), ...ownCertificate()] });
  const commandId = await fleet.operator.queue({ agentId: agent.id, command: "echo over TLS" });
  expect(await fleet.ended(commandId)).toMatchObject({ status: "completed", result: { output: "over TLS\n" } });
});

test("an agent that doesn't know the server's authority, or has no certificate, never gets to show its join token", async () => {
  const otherCa = file("other-ca.crt", (await testCertificates()).ca);
  const strangers = [
    await fleet.agent("stranger", { args: ["--ca-file", otherCa, ...ownCertificate()], wait: false }),
    await fleet.agent("bare", { args: trusted(), wait: false }),
  ];
  for (const { id, process } of strangers) {
    await process.waitForLine(/can't enrol yet/, 10_000);
    expect(await fleet.operator.agent(id)).toBeNull();
  }
});
