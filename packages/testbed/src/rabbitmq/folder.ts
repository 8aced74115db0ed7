import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configuration, enabledPlugins, type Listeners, listenerSettings, tlsSettings } from "./configuration.ts";
import type { NodeOptions } from "./node.ts";

/**
 * Writes a node's files into its folder; gives the environment that has the server and its tools use these, the node's
 * own port mapper, and nothing of the machine's.
 */
export function prepareFolder(folder: string, options: NodeOptions, listeners: Listeners): Record<string, string> {
  const { nodeName, distributionPort, epmdPort, cookie, user, password, tls, settings, erlangArgs = [] } = options;
  const at = (name: string) => join(folder, name);
  // Readable by this user alone: there are secrets in them.
  const write = (name: string, text: string) => writeFileSync(at(name), text, { mode: 0o600 });

  if (tls !== undefined) {
    write("ca.pem", tls.ca);
    write("cert.pem", tls.cert);
    write("key.pem", tls.key);
  }
  write("enabled_plugins", enabledPlugins(tls));
  write("advanced.config", "[].\n");
  const all = {
    ...listenerSettings(listeners),
    default_user: user,
    default_pass: password,
    ...(tls === undefined ? {} : tlsSettings(listeners, tls, folder)),
    ...settings,
  };
  write("rabbitmq.conf", configuration(all));
  // Erlang takes no cookie that others may read or this user may write.
  writeFileSync(at(".erlang.cookie"), cookie, { mode: 0o400 });
  for (const name of ["data", "log"]) mkdirSync(at(name));

  return {
    HOME: folder,
    RABBITMQ_NODENAME: nodeName,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_MNESIA_BASE: at("data"),
    RABBITMQ_LOG_BASE: at("log"),
    RABBITMQ_CONFIG_FILE: at("rabbitmq.conf"),
    RABBITMQ_ADVANCED_CONFIG_FILE: at("advanced.config"),
    RABBITMQ_ENABLED_PLUGINS_FILE: at("enabled_plugins"),
    RABBITMQ_CONF_ENV_FILE: "/dev/null",
    RABBITMQ_PID_FILE: at("pid"),
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    // For each Erlang that these programs start, short-lived ones too.
    ERL_AFLAGS: "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
    // Three nodes share a small machine: bound to a core each, their schedulers would meet on the first ones.
    RABBITMQ_SCHEDULER_BIND_TYPE: "u",
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: ["+S 2:2", ...erlangArgs].join(" "),
    // The script then becomes the server; else it stays as its parent, and SIGTERM goes a long way.
    RUNNING_UNDER_SYSTEMD: "true",
  };
}
