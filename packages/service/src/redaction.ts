/**
 * What must never be read in a log or an answer, and how it is taken out. By name: fields whose value is a secret
 * whatever it is. By shape: credentials inside a text.
 */
export const redacted = "[redacted]";

const secretName = /(?:authorization|cookie|tokens?|password|passwd|passphrase|secret|apikey|privatekey|credentials)$/;

/**
 * Whether a field of this name holds a secret: by its last word, so `joinToken` and `adminPassword` do and `tokenCount`
 * doesn't. `joinToken`, `join_token` and `JOIN-TOKEN` are one name.
 */
export function isSecretName(name: string): boolean {
  return secretName.test(name.toLowerCase().replace(/[^a-z]/g, ""));
}

// The user's password may itself hold an unescaped "@", so the last one before a "/" ends it.
const urlPassword = /([a-z][a-z0-9+.-]{0,30}:\/\/[^\s"'\\/@:]{0,256}):[^\s"'\\/]{1,1024}@/gi;
// Shorter words are prose: "bearer authentication".
const bearer = /\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{16,}/gi;
const queryPassword = /([?&][a-z_-]{0,30}(?:password|token|secret|api_?key)=)[^&\s"'\\#]+/gi;
const fleetwireToken = /\bfw_[A-Za-z0-9_-]{16,}/g;

/** The text without passwords in URLs (before the host, and as a parameter), `Bearer …` and `Basic …` credentials, and Fleetwire's own tokens. */
export function scrub(text: string): string {
  let clean = text;
  if (clean.includes("://")) clean = clean.replace(urlPassword, `$1:${redacted}@`);
  if (clean.includes("=")) clean = clean.replace(queryPassword, `$1${redacted}`);
  if (clean.includes("fw_")) clean = clean.replace(fleetwireToken, redacted);
  return clean.replace(bearer, `$1 ${redacted}`);
}
