import type { Logger } from "@fleetwire/service";
import type { Agent } from "./agent.ts";
import { composeTypes } from "./commands/compose-types.ts";
import type { PluginLoader } from "./commands/plugin.ts";
import { type AgentConfig, readConfig } from "./config.ts";
import type { OutputPipes } from "./execution/output-pipes.ts";
import type { ProcessEnd } from "./process-end.ts";
import type { LiveSettings } from "./profile.ts";
import { watchSettings } from "./watch-settings.ts";

/** Makes of settings what the agent goes by. Rejects with AgentError where they can't be used. */
export type Composer = (settings: AgentConfig) => Promise<LiveSettings>;

/** `config` has what stays as it was at the start. */
export function createComposer(o: {
  config: AgentConfig;
  version: string;
  pipes: OutputPipes;
  plugins: PluginLoader;
}): Composer {
  const { config, version, pipes, plugins } = o;
  return async ({ fleet, labels, concurrency, allow, commandEnvironment, shell, types, plugins: wanted }) => {
    const options = { ...config, allow, commandEnvironment, shell, types, version, pipes };
    return { fleet, labels, concurrency, types: composeTypes(options, await plugins.load(wanted)) };
  };
}

/** What the settings file says from now on is taken while the agent runs, as far as that can be. */
export function followSettings(o: {
  config: AgentConfig;
  argv: readonly string[];
  compose: Composer;
  agent: Agent;
  log: Logger;
  processEnd: ProcessEnd;
}): void {
  const { config, argv, compose, agent, log, processEnd } = o;
  if (config.settingsFile === null) return;
  const watch = watchSettings({
    file: config.settingsFile.path,
    current: config,
    read: () => readConfig(argv),
    async apply(next) {
      const live = await compose(next);
      agent.change(live);
      const { fleet, labels, concurrency } = live;
      const types = live.types.handlers.map(({ type }) => type);
      log.info({ fleet, labels, concurrency, types }, "settings read again");
    },
    log,
  });
  processEnd.onReload(() => watch.reload());
  processEnd.onClose(() => Promise.resolve(watch.close()));
}
