import { hash, randomBytes } from "node:crypto";

/** A new bearer token: `fw_` and 32 random bytes in base64url. The prefix lets scanners for leaked secrets find it. */
export function newToken(): string {
  return `fw_${randomBytes(32).toString("base64url")}`;
}

/** SHA-256 of a token, hex. Tokens have 256 random bits, so a fast hash is enough to keep them unreadable. */
export function hashToken(token: string): string {
  return hash("sha256", token);
}

/** The token of an `Authorization: Bearer …` header or metadata value; null when it is anything else. */
export function bearerToken(header: string | undefined): string | null {
  return /^bearer +([A-Za-z0-9._~+/=-]{1,8192})$/i.exec(header ?? "")?.[1] ?? null;
}
