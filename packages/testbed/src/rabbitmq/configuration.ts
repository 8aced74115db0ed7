import type { TlsOptions } from "./node.ts";

/** What a node listens on and whom it lets in. */
export interface Listeners {
  host: string;
  port: number;
  managementPort: number;
  /** There when `tls` is. */
  tlsPort: number | undefined;
}

/** Text of a rabbitmq.conf. A value stands as in such a file. */
export function configuration(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join("");
}

/** Text of a file of enabled plugins. */
export function enabledPlugins(tls: TlsOptions | undefined): string {
  const plugins = ["rabbitmq_management", ...(tls?.verifyPeer ? ["rabbitmq_auth_mechanism_ssl"] : [])];
  return `[${plugins.join(",")}].\n`;
}

export function listenerSettings({ host, port, managementPort }: Listeners): Record<string, string> {
  return {
    "listeners.tcp.1": `${host}:${port}`,
    "management.tcp.ip": host,
    "management.tcp.port": String(managementPort),
    // Else what the management API says may be 5 s old.
    collect_statistics_interval: "1000",
    "log.console": "true",
    "log.console.level": "info",
    "log.console.use_colors": "off",
    "log.file": "false",
    "disk_free_limit.absolute": "100MB",
    "vm_memory_high_watermark.absolute": "1GB",
  };
}

/** `folder` holds ca.pem, cert.pem and key.pem. */
export function tlsSettings(listeners: Listeners, tls: TlsOptions, folder: string): Record<string, string> {
  return {
    "listeners.ssl.1": `${listeners.host}:${listeners.tlsPort}`,
    "ssl_options.cacertfile": `${folder}/ca.pem`,
    "ssl_options.certfile": `${folder}/cert.pem`,
    "ssl_options.keyfile": `${folder}/key.pem`,
    "ssl_options.verify": tls.verifyPeer ? "verify_peer" : "verify_none",
    "ssl_options.fail_if_no_peer_cert": String(tls.verifyPeer ?? false),
    ...(tls.verifyPeer
      ? {
          "auth_mechanisms.1": "PLAIN",
          "auth_mechanisms.2": "EXTERNAL",
          ssl_cert_login_from: "common_name",
        }
      : {}),
  };
}
