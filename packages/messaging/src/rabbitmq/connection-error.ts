import { describeError, MessagingError } from "../errors.ts";
import type { RabbitMQTarget } from "./options.ts";

/** What kept a connection from being made, in words that say what to look at. Never holds the password. */
export function connectionError(
  cause: unknown,
  target: RabbitMQTarget,
  host: { host: string; port: number },
): MessagingError {
  const where = `${host.host}:${host.port}`;
  const text = describeError(cause);
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const make = (kind: MessagingError["code"], words: string): MessagingError =>
    new MessagingError(kind, words, { cause });

  if (/ACCESS.REFUSED|\b403\b/.test(text) && /login|authentication|auth/i.test(text)) {
    return make(
      "credentials_refused",
      `RabbitMQ at ${where} refuses user "${target.username}": the name or the password is wrong`,
    );
  }
  if (/NOT.ALLOWED|\b530\b/.test(text)) {
    const words = /not found/i.test(text)
      ? `has no vhost "${target.vhost}"`
      : `doesn't let user "${target.username}" into vhost "${target.vhost}"`;
    return make("vhost_refused", `RabbitMQ at ${where} ${words}`);
  }
  if (/ACCESS.REFUSED/.test(text))
    return make("credentials_refused", `RabbitMQ at ${where} refuses user "${target.username}": ${text}`);
  if (/CERT|TLS|SSL|EPROTO|SELF_SIGNED|UNABLE_TO/.test(code) || /certificate|altname|ssl|tls/i.test(text)) {
    return make("tls_failed", `TLS with ${where} failed: ${text}`);
  }
  if (code === "ENOTFOUND") return make("unreachable", `there is no host "${host.host}"`);
  if (code === "ECONNREFUSED") return make("unreachable", `nothing listens on ${where}`);
  return make("unreachable", `RabbitMQ at ${where} can't be reached: ${text}`);
}

/** Whether trying again is of no use before somebody changes something. */
export function isPermanent(error: MessagingError): boolean {
  return (
    error.code === "credentials_refused" ||
    error.code === "vhost_refused" ||
    error.code === "tls_failed" ||
    isUnknownHost(error)
  );
}

function isUnknownHost(error: MessagingError): boolean {
  return error.cause instanceof Error && "code" in error.cause && error.cause.code === "ENOTFOUND";
}
