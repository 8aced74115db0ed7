import type { Logger } from "@fleetwire/service";
import { type AgentConfig, fileVersion } from "./config.ts";
import { AgentError } from "./exit-codes.ts";

export interface SettingsWatch {
  /** Reads the file again now. */
  reload(): void;
  close(): void;
}

const defaultPollMs = 1_000;

/** What the file may say anew while the agent runs. */
const liveSettings: ReadonlySet<keyof AgentConfig> = new Set([
  "fleet",
  "labels",
  "concurrency",
  "plugins",
  "types",
  "allow",
  "commandEnvironment",
  "shell",
  "settingsFile",
]);

/**
 * Reads the settings again when their file has changed and stays so for a moment, and when it is asked to. What can't be
 * taken changes nothing: it is logged, and the file is looked at again when it changes. By looking, not by the system's
 * notices: those are lost on network file systems, and when a file is replaced.
 */
export function watchSettings(options: {
  file: string;
  current: AgentConfig;
  /** Throws AgentError. */
  read: () => AgentConfig;
  /** Rejects with AgentError where what was read can't be used; then nothing has changed. */
  apply: (config: AgentConfig) => Promise<void>;
  log: Logger;
  pollMs?: number;
}): SettingsWatch {
  const { file, read, apply, log, pollMs = defaultPollMs } = options;
  let { current } = options;
  let taken = current.settingsFile?.version ?? "missing";
  let seen = taken;
  let work: Promise<void> = Promise.resolve();
  let closed = false;

  async function look(): Promise<void> {
    const now = fileVersion(file);
    const settled = now === seen;
    seen = now;
    if (settled && now !== taken) await take("the file has changed");
  }

  async function take(why: string): Promise<void> {
    taken = fileVersion(file);
    if (closed) return;
    try {
      const next = read();
      await apply(next);
      const later = fixedChanges(current, next);
      if (later.length > 0)
        log.warn({ file, settings: later }, "these settings are taken at the next start of the agent");
      current = { ...current, ...pickLive(next) };
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      log.error({ file, why, reason: error.message }, "the settings can't be taken: those before stay");
    }
  }

  function enqueue(step: () => Promise<void>): void {
    work = work.then(step).catch((err: unknown) => log.error({ err, file }, "the settings couldn't be read again"));
  }

  const timer = setInterval(() => enqueue(look), pollMs);
  timer.unref();
  return {
    reload: () => enqueue(() => take("asked to by SIGHUP")),
    close() {
      closed = true;
      clearInterval(timer);
    },
  };
}

function pickLive(config: AgentConfig): Partial<AgentConfig> {
  return Object.fromEntries(Object.entries(config).filter(([name]) => isLive(name)));
}

/** Names alone: some of these settings are secrets. */
function fixedChanges(before: AgentConfig, after: AgentConfig): string[] {
  const old = new Map<string, unknown>(Object.entries(before));
  return Object.entries(after)
    .filter(([name, value]) => !isLive(name) && JSON.stringify(value) !== JSON.stringify(old.get(name)))
    .map(([name]) => name);
}

function isLive(name: string): boolean {
  return liveSettings.has(name as keyof AgentConfig);
}
