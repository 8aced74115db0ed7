import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { StartFailure } from "../start-failure.ts";

const run = promisify(execFile);

const otherwise = "or name a server of yours in VALKEY_URL";

/**
 * The Valkey or Redis server to run: `named`, a path; null: valkey-server, else redis-server, of PATH.
 * Throws StartFailure that says what to install or set when it isn't there or can't be run.
 */
export async function findValkeyProgram(named: string | null): Promise<string> {
  for (const program of named === null ? ["valkey-server", "redis-server"] : [named]) {
    try {
      await run(program, ["--version"]);
      return program;
    } catch (error) {
      const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
      if (isMissing && named === null) continue;
      throw new StartFailure(
        `COMMAND_STORE=valkey: ${program} ${isMissing ? "isn't there" : "can't be run"}`,
        `name valkey-server or redis-server in REDIS_SERVER_BIN, ${otherwise}`,
        { cause: error },
      );
    }
  }
  throw new StartFailure(
    "COMMAND_STORE=valkey: neither valkey-server nor redis-server is on PATH",
    `install one (apt-get install redis-server, brew install valkey), name it in REDIS_SERVER_BIN, ${otherwise}`,
  );
}
