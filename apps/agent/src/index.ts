/** What plug-ins of the agent are written against. The agent itself is a process: `fleetwire-agent`. */
export type { CommandPlugin, PluginRun } from "./commands/plugin.ts";
