import { readFileSync } from "node:fs";
import { type ChannelCredentials, type ChannelOptions, credentials } from "@grpc/grpc-js";
import { AgentError, exitCodes } from "../exit-codes.ts";

export interface ServerAddress {
  /** `host:port`. */
  server: string;
  tls: boolean;
  caFile: string | undefined;
  /** The agent's own certificate and its key, for a server that asks for one; both or neither. */
  certFile: string | undefined;
  keyFile: string | undefined;
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
 * @throws AgentError `badSettings`: no `host:port`, a PEM file that can't be read or used, or no TLS to a server elsewhere.
 */
export function resolveServer(address: ServerAddress): ServerChannel {
  const { server, tlsServerName } = address;
  const host = /^(?:\[([0-9a-fA-F:]+)\]|([^:/\s]+)):(\d{1,5})$/.exec(server);
  if (host === null || Number(host[3]) > 65_535) throw wrong(`--server must be host:port, got "${server}"`);
  const secure = [address.caFile, address.certFile, address.keyFile].some(Boolean) || address.tls;
  if (!secure && !isLoopback(host[1] ?? host[2] ?? "")) {
    throw wrong(`${server} isn't this machine: TLS is needed (--tls, or --ca-file for a private authority)`);
  }
  return {
    target: `dns:///${server}`,
    credentials: secure ? tlsCredentials(address) : credentials.createInsecure(),
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
      // Without TLS it is this machine: a proxy (http_proxy) would carry the join token and the commands off it.
      ...(secure ? {} : { "grpc.enable_http_proxy": 0 }),
      ...(tlsServerName === undefined
        ? {}
        : { "grpc.ssl_target_name_override": tlsServerName, "grpc.default_authority": tlsServerName }),
    },
  };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function tlsCredentials({ caFile, certFile, keyFile }: ServerAddress): ChannelCredentials {
  if ((certFile === undefined) !== (keyFile === undefined)) throw wrong("--cert-file and --key-file need each other");
  const [ca = null, cert = null, key = null] = [caFile, certFile, keyFile].map(readPem);
  try {
    return credentials.createSsl(ca, key, cert);
  } catch (error) {
    throw wrong(`TLS can't be set up with these files: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readPem(path: string | undefined): Buffer | null {
  if (path === undefined) return null;
  try {
    return readFileSync(path);
  } catch (error) {
    throw wrong(`a file for TLS can't be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function wrong(message: string): AgentError {
  return new AgentError(exitCodes.badSettings, message);
}
