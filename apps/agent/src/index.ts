export { type Agent, type AgentEnd, type AgentOptions, startAgent } from "./agent.ts";
export type { CommandPlugin, PluginRun } from "./commands/plugin.ts";
export { type ExitCode, exitCodes } from "./exit-codes.ts";
export { launcherFile } from "./launcher-file.ts";
