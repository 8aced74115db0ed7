import { createPublicKey, verify } from "node:crypto";
import type { Hello } from "@fleetwire/proto";
import type { HeldCommand, OpenSession } from "../store/command-store.ts";
import * as check from "./field-checks.ts";
import { readProfile } from "./profile.ts";
import { ProtocolError } from "./protocol-error.ts";

const maxHeld = 10_000;

/**
 * Checks a Hello, its signature apart.
 *
 * @throws ProtocolError when it breaks the contract.
 */
export function readHello(hello: Hello): OpenSession {
  if (!hello.profile) throw new ProtocolError("a hello without a profile");
  return {
    agentId: check.agentId(hello.agentId),
    ledgerId: check.uuid(hello.ledgerId, "ledger_id"),
    seenEpoch: check.counter(hello.seenEpoch, "seen_epoch"),
    highest: check.counter(hello.highest, "highest"),
    horizon: check.counter(hello.horizon, "horizon"),
    bootId: check.uuid(hello.bootId, "boot_id"),
    held: readHeld(hello.held),
    profile: readProfile(hello.profile, hello.version),
  };
}

const heldStates = {
  HELD_STATE_RUNNING: "running",
  HELD_STATE_DONE: "done",
  HELD_STATE_REFUSED: "refused",
} as const satisfies Record<string, HeldCommand["state"]>;

function readHeld(held: Hello["held"]): HeldCommand[] {
  if (held.length > maxHeld) throw new ProtocolError(`a hello that holds ${held.length} commands`);
  const assignNumbers = new Set<number>();
  return held.map((entry) => {
    const assignNo = check.counter(entry.assignNo, "assign_no", 1);
    if (assignNumbers.has(assignNo)) throw new ProtocolError(`assign_no ${assignNo} is held twice`);
    assignNumbers.add(assignNo);
    return {
      commandId: check.commandId(entry.commandId),
      assignNo,
      attempt: check.attempt(entry.attempt),
      state: check.member<HeldCommand["state"]>(heldStates, entry.state, "state"),
    };
  });
}

/** What an agent signs: ties the answer to this stream's challenge, its id and its ledger. */
export function helloMessage(nonce: Uint8Array, agentId: string, ledgerId: string): Buffer {
  return Buffer.concat([Buffer.from("fleetwire-hello-v1\n"), nonce, Buffer.from(`\n${agentId}\n${ledgerId}`)]);
}

// RFC 8410: SubjectPublicKeyInfo of an Ed25519 key is this, then the 32 raw bytes.
const spkiPrefix = Buffer.from("302a300506032b6570032100", "hex");

/** Whether `signature` over the hello is by the key of these 32 raw bytes. */
export function isSignedBy(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.concat([spkiPrefix, publicKey]), format: "der", type: "spki" });
  return verify(null, message, key, signature);
}
