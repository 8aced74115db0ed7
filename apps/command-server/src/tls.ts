import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { ServerCredentials } from "@grpc/grpc-js";

export interface TlsFiles {
  cert: string;
  key: string;
  /** gRPC clients have to bring a certificate of this authority. */
  ca: string | undefined;
}

export interface TlsMaterial {
  cert: Buffer;
  key: Buffer;
  ca: Buffer | null;
}

/** Reads the PEM files; the error names the one that can't be read and its setting. */
export async function readTls(files: TlsFiles): Promise<TlsMaterial> {
  const [cert, key, ca] = await Promise.all([
    read(files.cert, "COMMAND_SERVER_TLS_CERT"),
    read(files.key, "COMMAND_SERVER_TLS_KEY"),
    files.ca === undefined ? null : read(files.ca, "COMMAND_SERVER_TLS_CA"),
  ]);
  return { cert, key, ca };
}

async function read(path: string, setting: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new Error(`${setting}: ${path} can't be read.`, { cause });
  }
}

/** Credentials of the gRPC server: plain only where nobody but this machine can listen in. */
export function grpcCredentials(tls: TlsMaterial | null): ServerCredentials {
  if (tls === null) return ServerCredentials.createInsecure();
  const pair = { cert_chain: tls.cert, private_key: tls.key };
  return ServerCredentials.createSsl(tls.ca, [pair], tls.ca !== null);
}

/** Tokens and commands never cross a network in the clear: throws when a host beyond loopback has no TLS. */
export function refuseClearText(hosts: { setting: string; host: string }[], hasTls: boolean): void {
  if (hasTls) return;
  for (const { setting, host } of hosts) {
    if (isLoopback(host)) continue;
    throw new Error(
      `${setting} is ${host}: beyond loopback TLS is needed. Set COMMAND_SERVER_TLS_CERT and COMMAND_SERVER_TLS_KEY, ` +
        `or listen on 127.0.0.1.`,
    );
  }
}

/** Whether only this machine reaches the address. */
export function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  const address = host.replace(/^\[(.*)\]$/, "$1");
  if (isIP(address) === 4) return address.startsWith("127.");
  return isIP(address) === 6 && (address === "::1" || address.toLowerCase().startsWith("::ffff:127."));
}
