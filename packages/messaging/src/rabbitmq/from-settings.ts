import { readFileSync } from "node:fs";
import { MessagingError } from "../errors.ts";
import type { RabbitMQOptions, RabbitMQTls } from "./options.ts";
import { resolveRabbitMQ } from "./target.ts";

/** A service's settings as they are loaded: durations in milliseconds, files by their paths. */
export interface RabbitMQSettings {
  rabbitmqUrl?: string | undefined;
  rabbitmqHost?: string | undefined;
  rabbitmqPort?: number | undefined;
  rabbitmqUsername?: string | undefined;
  rabbitmqPassword?: string | undefined;
  rabbitmqVhost?: string | undefined;
  rabbitmqPrefix: string;
  rabbitmqManagementUrl?: string | undefined;
  rabbitmqConnectTimeout: number;
  rabbitmqHeartbeat: number;
  rabbitmqMaxReconnectAttempts: number;
  rabbitmqReconnectDelay: number;
  rabbitmqPublisherConfirm: boolean;
  rabbitmqPublishTimeout: number;
  rabbitmqPrefetchCount: number;
  rabbitmqPrefetchGlobal: boolean;
  rabbitmqTls: boolean;
  rabbitmqTlsCertFile?: string | undefined;
  rabbitmqTlsKeyFile?: string | undefined;
  rabbitmqTlsCaFile?: string | undefined;
  rabbitmqTlsSkipVerify: boolean;
  rabbitmqTlsVerifyPeer?: boolean | undefined;
}

/**
 * Options of a provider from a service's settings; log and metrics are the service's own to add.
 *
 * @throws MessagingError `invalid_definition` for what contradicts itself, can't be had, or can't be read.
 */
export function rabbitmqOptionsFrom(settings: RabbitMQSettings): Omit<RabbitMQOptions, "log" | "metrics"> {
  if (!settings.rabbitmqPublisherConfirm)
    throw invalid("publisher_confirm: publishes are always confirmed; only true is taken");
  if (settings.rabbitmqPrefetchGlobal)
    throw invalid("prefetch_global: quorum queues have no prefetch for a whole channel; only false is taken");
  const { rabbitmqPrefix: prefix, rabbitmqManagementUrl: managementUrl } = settings;
  return {
    // A URL says all of it: what a file has in parts isn't read beside it.
    target: resolveRabbitMQ(
      settings.rabbitmqUrl === undefined
        ? {
            host: settings.rabbitmqHost,
            port: settings.rabbitmqPort,
            username: settings.rabbitmqUsername,
            password: settings.rabbitmqPassword,
            vhost: settings.rabbitmqVhost,
            tls: tlsOf(settings),
          }
        : { url: settings.rabbitmqUrl, tls: tlsOf(settings) },
    ),
    prefix,
    managementUrl,
    connectTimeoutMs: settings.rabbitmqConnectTimeout,
    heartbeatMs: settings.rabbitmqHeartbeat,
    maxReconnectAttempts: settings.rabbitmqMaxReconnectAttempts,
    reconnectDelayMs: settings.rabbitmqReconnectDelay,
    publishTimeoutMs: settings.rabbitmqPublishTimeout,
    prefetchCount: settings.rabbitmqPrefetchCount,
  };
}

function tlsOf(settings: RabbitMQSettings): RabbitMQTls | null {
  const { rabbitmqTlsSkipVerify: skip, rabbitmqTlsVerifyPeer: verify } = settings;
  if (verify !== undefined && verify === skip && (verify || skip))
    throw invalid("tls.verify_peer and tls.skip_verify contradict each other: set one of them");
  const files = {
    ca: settings.rabbitmqTlsCaFile,
    cert: settings.rabbitmqTlsCertFile,
    key: settings.rabbitmqTlsKeyFile,
  };
  if ((files.cert === undefined) !== (files.key === undefined))
    throw invalid("tls.cert_file and tls.key_file belong together: set both");
  const isUrlTls = settings.rabbitmqUrl?.startsWith("amqps:") === true;
  if (!settings.rabbitmqTls && !isUrlTls) return null;
  return { ca: pem(files.ca), cert: pem(files.cert), key: pem(files.key), skipVerify: skip || verify === false };
}

function pem(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw invalid(`${file} can't be read: ${cause instanceof Error && "code" in cause ? String(cause.code) : "?"}`);
  }
}

function invalid(message: string): MessagingError {
  return new MessagingError("invalid_definition", `RabbitMQ settings: ${message}`);
}
