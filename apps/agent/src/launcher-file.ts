import { sourceFile } from "./source-file.ts";

/** Path of the `fleetwire-agent` entry, for whoever starts an agent as a process of its own. */
export const launcherFile: string = sourceFile("./launcher");
