import { readFileSync } from "node:fs";
import { type ChannelCredentials, type ChannelOptions, credentials } from "@grpc/grpc-js";
import { AgentError, exitCodes } from "../exit-codes.ts";

export interface ServerAddress {
  /** `host:port`. */
  server: string;
  tls: boolean;
  caFile: string | undefined;
  tlsServerName: string | undefined;
}

export interface ServerChannel {
  target: string;
  credentials: ChannelCredentials;
  options: ChannelOptions;
}

const maxMessageBytes = 4 * 1024 * 1024;

/**
 * How to reach the server.
 *
 * @throws AgentError `badSettings`: no `host:port`, a CA file that can't be read, or no TLS to a server elsewhere.
 */
export function resolveServer(address: ServerAddress): ServerChannel {
  const { server, caFile, tlsServerName } = address;
  const host = /^(?:\[([0-9a-fA-F:]+)\]|([^:/\s]+)):\d{1,5}$/.exec(server);
  if (host === null) throw wrong(`--server must be host:port, got "${server}"`);
  const secure = address.tls || caFile !== undefined;
  if (!secure && !isLoopback(host[1] ?? host[2] ?? "")) {
    throw wrong(`${server} isn't this machine: TLS is needed (--tls, or --ca-file for a private authority)`);
  }
  return {
    target: `dns:///${server}`,
    credentials: secure
      ? credentials.createSsl(caFile === undefined ? null : readCa(caFile))
      : credentials.createInsecure(),
    options: {
      // Retries buffer what was written; the agent has a memory of its own.
      "grpc.enable_retries": 0,
      "grpc.keepalive_time_ms": 20_000,
      "grpc.keepalive_timeout_ms": 10_000,
      "grpc.keepalive_permit_without_calls": 1,
      "grpc.max_receive_message_length": maxMessageBytes,
      "grpc.max_send_message_length": maxMessageBytes,
      // Each stream has a connection of its own, so that a dead one is never used again.
      "grpc.use_local_subchannel_pool": 1,
      ...(tlsServerName === undefined
        ? {}
        : { "grpc.ssl_target_name_override": tlsServerName, "grpc.default_authority": tlsServerName }),
    },
  };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function readCa(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw wrong(`the CA file can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function wrong(message: string): AgentError {
  return new AgentError(exitCodes.badSettings, message);
}
