import type { Command } from "commander";
import { type Surroundings, withSession } from "../session.ts";

/** `agents revoke`: ends an agent's right to connect, and its live session. */
export function addAgentsRevoke(parent: Command, surroundings: Surroundings): void {
  parent
    .command("revoke")
    .summary("end an agent's right to connect")
    .description(
      "Drops the agent's connection and refuses its key from now on. It can enrol again with a new join token.",
    )
    .argument("<agentId>")
    .action(async (agentId: string, _options: object, command: Command) => {
      await withSession(command, surroundings, async (session) => {
        await session.client.revokeAgent(agentId);
        if (session.json) await session.document({ agentId, status: "revoked" });
        else await session.terminal.note(`${agentId} is revoked`);
      });
    });
}
