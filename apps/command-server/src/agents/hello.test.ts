import { randomBytes, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { newIdentity } from "../../test/wire-agent.ts";
import { helloMessage, isSignedBy } from "./hello.ts";

describe("the signature of a hello", () => {
  const agent = newIdentity("agent-1");
  const nonce = randomBytes(32);
  const message = helloMessage(nonce, agent.agentId, agent.ledgerId);
  const signature = sign(null, message, agent.privateKey);

  it("is accepted by the enrolled key", () => {
    expect(isSignedBy(agent.publicKey, message, signature)).toBe(true);
  });

  it("isn't good for another challenge, id, ledger or key", () => {
    const messages = [
      helloMessage(randomBytes(32), agent.agentId, agent.ledgerId),
      helloMessage(nonce, "agent-2", agent.ledgerId),
      helloMessage(nonce, agent.agentId, "another"),
    ];
    for (const other of messages) expect(isSignedBy(agent.publicKey, other, signature)).toBe(false);
    expect(isSignedBy(newIdentity("agent-1").publicKey, message, signature)).toBe(false);
  });

  it("is refused when it or the key is any 64 or 32 bytes, without an exception", () => {
    for (let round = 0; round < 50; round += 1) {
      expect(isSignedBy(randomBytes(32), message, randomBytes(64))).toBe(false);
    }
    expect(isSignedBy(agent.publicKey, message, Buffer.alloc(0))).toBe(false);
  });
});
