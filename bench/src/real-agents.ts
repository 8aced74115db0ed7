import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runSource, type TestProcess } from "@fleetwire/testbed";

/** Real agents, a process each. Resolves when all are connected. */
export async function startRealAgents(
  root: string,
  server: { grpc: string; joinToken(uses: number): Promise<string> },
  count: number,
  concurrency: number,
): Promise<TestProcess[]> {
  const joinToken = await server.joinToken(count);
  const agents: TestProcess[] = [];
  // A few at a time: starting a hundred processes at once on two cores would make each of them slow.
  for (let first = 0; first < count; first += 5) {
    const batch = Array.from({ length: Math.min(5, count - first) }, (_, i) => {
      const id = `real-${first + i}`;
      const home = mkdtempSync(join(tmpdir(), "fleetwire-bench-agent-"));
      return runSource(
        join(root, "apps/agent/src/main.ts"),
        ["--server", server.grpc, "--id", id, "--data-dir", home, "--concurrency", String(concurrency)],
        { name: id, env: { FLEETWIRE_JOIN_TOKEN: joinToken, FLEETWIRE_HOME: home } },
      );
    });
    await Promise.all(batch.map((agent) => agent.waitForLine(/agent connected/, 60_000)));
    agents.push(...batch);
  }
  return agents;
}
