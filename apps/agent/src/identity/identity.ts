import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signBytes,
} from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AgentError, exitCodes } from "../exit-codes.ts";
import { writeDurably } from "./durable-file.ts";

/** Who the agent is: an Ed25519 key that never leaves its data directory. */
export interface Identity {
  /** Raw, 32 bytes. */
  publicKey: Buffer;
  /** First characters of the key's SHA-256, for logs. */
  fingerprint: string;
  /** 64 bytes that answer a server's challenge for this agent and ledger. */
  signHello(nonce: Uint8Array, agentId: string, ledgerId: string): Buffer;
}

/**
 * Reads `agent.key`, or makes it (mode 0600) and syncs it before anyone hears of it.
 *
 * @throws AgentError `dataUnavailable`: the file is no Ed25519 key, or can't be read or written.
 */
export function openIdentity(dataDirectory: string): Identity {
  const path = join(dataDirectory, "agent.key");
  const privateKey = existsSync(path) ? readKey(path) : makeKey(path);
  const { x } = createPublicKey(privateKey).export({ format: "jwk" });
  const publicKey = Buffer.from(x ?? "", "base64url");
  return {
    publicKey,
    fingerprint: createHash("sha256").update(publicKey).digest("hex").slice(0, 16),
    signHello: (nonce, agentId, ledgerId) => signBytes(null, helloMessage(nonce, agentId, ledgerId), privateKey),
  };
}

function helloMessage(nonce: Uint8Array, agentId: string, ledgerId: string): Buffer {
  return Buffer.concat([Buffer.from("fleetwire-hello-v1\n"), nonce, Buffer.from(`\n${agentId}\n${ledgerId}`)]);
}

function readKey(path: string): KeyObject {
  try {
    const key = createPrivateKey(readFileSync(path));
    if (key.asymmetricKeyType !== "ed25519") throw new Error(`it is a key of type ${key.asymmetricKeyType}`);
    return key;
  } catch (error) {
    throw unusable(path, error);
  }
}

function makeKey(path: string): KeyObject {
  const { privateKey } = generateKeyPairSync("ed25519");
  try {
    writeDurably(path, privateKey.export({ format: "pem", type: "pkcs8" }).toString());
  } catch (error) {
    throw unusable(path, error);
  }
  return privateKey;
}

function unusable(path: string, cause: unknown): AgentError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AgentError(exitCodes.dataUnavailable, `the agent's key ${path} can't be used: ${reason}`, { cause });
}
