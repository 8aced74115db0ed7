export { commandServerSettings, loadCommandServerSettings, type CommandServerSettings } from "./config.ts";
export { createCommandServer, type CommandServer, type CommandServerDeps } from "./service.ts";
export { startCommandServer, type RunningCommandServer, type StartOptions } from "./start.ts";
export { ensureOperatorToken, readCliFile, tokenFileIn, writeCliFile, type CliFile } from "./home.ts";
export { PortTakenError } from "./port-taken.ts";
