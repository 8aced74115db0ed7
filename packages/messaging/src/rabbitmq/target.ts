import { isIPv4 } from "node:net";
import { MessagingError } from "../errors.ts";
import type { RabbitMQTarget, RabbitMQTls } from "./options.ts";

/** What a service is told about its broker, as settings have it; undefined or empty: not set. */
export interface RabbitMQTargetInput {
  /** `SIRIUS_RABBITMQ`: `amqp://user:password@host:5672/vhost`; several hosts joined by commas. */
  url?: string | undefined;
  host?: string | undefined;
  port?: number | undefined;
  username?: string | undefined;
  password?: string | undefined;
  vhost?: string | undefined;
  tls?: RabbitMQTls | null | undefined;
}

const wellKnownPasswords = new Set([
  "guest",
  "helixagent123",
  "password",
  "rabbitmq",
  "fleetwire",
  "admin",
  "secret",
  "changeme",
  "root",
]);

/**
 * Where the broker is: the URL, or host, port, username, password and vhost. Without a username and a password it is
 * `guest`, which brokers let in from loopback only; or whoever the client's certificate says, where there is one.
 *
 * @throws MessagingError `invalid_definition` when the URL isn't AMQP's, when it and the others say different things, or
 * when a well-known password is meant for another machine.
 */
export function resolveRabbitMQ(input: RabbitMQTargetInput): RabbitMQTarget {
  const target = input.url ? fromUrl(input.url, input) : fromParts(input);
  const remote = target.hosts.find(({ host }) => !isLoopback(host));
  if (remote !== undefined && wellKnownPasswords.has(target.password)) {
    throw invalid(`the RabbitMQ password is a well-known one, and ${remote.host} isn't this machine: choose another`);
  }
  return target;
}

function fromParts(input: RabbitMQTargetInput): RabbitMQTarget {
  return {
    hosts: [{ host: input.host || "localhost", port: input.port ?? (input.tls ? 5671 : 5672) }],
    vhost: input.vhost || "/",
    ...loginOf(input.username, input.password, input),
    tls: input.tls ?? null,
  };
}

function fromUrl(text: string, input: RabbitMQTargetInput): RabbitMQTarget {
  const match = /^(amqps?):\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?#]+)(?:\/([^/?#]*))?$/.exec(text);
  if (match === null) throw invalid("the RabbitMQ URL isn't one: expected amqp://user:password@host:5672/vhost");
  const [, scheme, user, password, hostList = "", vhost] = match;
  const isTls = scheme === "amqps";
  if (!isTls && input.tls) throw invalid("TLS is on, and the RabbitMQ URL begins with amqp://: write amqps://");
  const target: RabbitMQTarget = {
    hosts: hostList.split(",").map((entry) => hostOf(entry, isTls)),
    // As most clients read it, an empty path too is the vhost "/".
    vhost: vhost === undefined || vhost === "" ? "/" : decoded(vhost),
    ...loginOf(
      user === undefined ? input.username : decoded(user),
      password === undefined ? input.password : decoded(password),
      input,
    ),
    tls: isTls ? (input.tls ?? {}) : null,
  };
  const [first] = target.hosts;
  const said = {
    host: first?.host,
    port: first?.port,
    username: target.username,
    password: target.password,
    vhost: target.vhost,
  };
  for (const part of ["host", "port", "username", "password", "vhost"] as const) {
    const other = input[part];
    if (other !== undefined && other !== "" && other !== said[part])
      throw invalid(`the RabbitMQ URL and the ${part} setting say different things: set one of them`);
  }
  return target;
}

/** Nobody named, and a certificate to show: it says who we are (SASL EXTERNAL). */
function loginOf(
  username: string | undefined,
  password: string | undefined,
  { tls }: RabbitMQTargetInput,
): { username: string; password: string } {
  if (tls?.cert !== undefined && !username && !password) return { username: "", password: "" };
  return { username: username || "guest", password: password || "guest" };
}

function hostOf(entry: string, isTls: boolean): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:\s]+)(?::(\d{1,5}))?$/.exec(entry);
  const port = match?.[2] === undefined ? (isTls ? 5671 : 5672) : Number(match[2]);
  if (match?.[1] === undefined || port > 65_535)
    throw invalid("the RabbitMQ URL has a host that isn't one: expected host or host:port");
  return { host: match[1].replaceAll(/^\[|\]$/g, ""), port };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid("the RabbitMQ URL has a % that isn't followed by two hex digits: write it as %25");
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

function invalid(message: string): MessagingError {
  return new MessagingError("invalid_definition", message);
}
