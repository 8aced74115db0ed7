import { describeError, MessagingError, type MessagingErrorCode } from "../errors.ts";
import type { RabbitMQTarget } from "./options.ts";

interface Host {
  readonly host: string;
  readonly port: number;
}

/** What kept a connection from being made, in words that say what to look at. Never holds the password. */
export function connectionError(cause: unknown, target: RabbitMQTarget, host: Host): MessagingError {
  const text = describeError(cause);
  const systemCode = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const [code, words] =
    refusal(text, target, host) ?? tlsFailure(text, systemCode, host) ?? absence(text, systemCode, host);
  return new MessagingError(code, words, { cause });
}

type Finding = readonly [MessagingErrorCode, string];

function refusal(text: string, { username, vhost }: RabbitMQTarget, { host, port }: Host): Finding | null {
  const where = `RabbitMQ at ${host}:${port}`;
  // amqplib keeps the broker's words to itself when it closes a connection instead of opening its vhost.
  if (/NOT.ALLOWED|\b530\b|Expected ConnectionOpenOk; got <ConnectionClose/.test(text)) {
    return [
      "vhost_refused",
      `${where} doesn't open vhost "${vhost}" to user "${username}": there is none, or the user may not enter it`,
    ];
  }
  if (!/ACCESS.REFUSED|\b403\b/.test(text)) return null;
  return [
    "credentials_refused",
    `${where} refuses user "${username}": the name or the password is wrong, or it may not log in this way`,
  ];
}

function tlsFailure(text: string, systemCode: string, { host, port }: Host): Finding | null {
  // Cut off in the middle of the handshake, as by a broker that restarts behind a balancer.
  if (systemCode === "ECONNRESET") return null;
  const isTls =
    /CERT|TLS|SSL|EPROTO|SELF_SIGNED|UNABLE_TO/.test(systemCode) || /certificate|altname|ssl|tls/i.test(text);
  return isTls ? ["tls_failed", `TLS with ${host}:${port} failed: ${text}`] : null;
}

function absence(text: string, systemCode: string, { host, port }: Host): Finding {
  if (systemCode === "EAI_AGAIN") return ["unreachable", `the name "${host}" can't be looked up now`];
  if (systemCode === "ENOTFOUND") return ["unreachable", `there is no host "${host}"`];
  if (systemCode === "ECONNREFUSED") return ["unreachable", `nothing listens on ${host}:${port}`];
  return ["unreachable", `RabbitMQ at ${host}:${port} can't be reached: ${text}`];
}

/** Whether trying again is of no use before somebody changes something. */
export function isPermanent(error: MessagingError): boolean {
  if (error.code === "credentials_refused" || error.code === "vhost_refused" || error.code === "tls_failed")
    return true;
  return error.cause instanceof Error && "code" in error.cause && error.cause.code === "ENOTFOUND";
}
