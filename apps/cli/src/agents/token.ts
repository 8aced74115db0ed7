import type { Command } from "commander";
import type { JoinTokenView } from "../api/agent.ts";
import { durationOption, integerOption } from "../command/request-options.ts";
import { type Surroundings, withSession } from "../session.ts";
import { printPage } from "../terminal/page.ts";
import type { Column } from "../terminal/table.ts";
import { relativeTime } from "../terminal/time.ts";
import { visibleLine } from "../terminal/visible.ts";

interface CreateOptions {
  fleet?: string;
  agent?: string;
  uses?: number;
  ttl?: number;
}

/** `agents token [create|list|revoke]`: join tokens, with which agents enrol. */
export function addAgentsToken(parent: Command, surroundings: Surroundings): void {
  const token = parent.command("token").summary("make, list and revoke join tokens");
  addCreate(token, surroundings);
  token
    .command("list")
    .summary("list join tokens (never the secrets)")
    .action(async (_options: object, command: Command) => {
      await withSession(command, surroundings, async (session) => {
        await printPage(
          session,
          await session.client.joinTokens(),
          columnsAt(session.terminal.now()),
          "no join tokens",
        );
      });
    });
  token
    .command("revoke")
    .summary("make a join token useless; agents that used it stay")
    .argument("<tokenId>")
    .action(async (tokenId: string, _options: object, command: Command) => {
      await withSession(command, surroundings, async (session) => {
        await session.client.revokeJoinToken(tokenId);
        if (session.json) await session.document({ tokenId, revoked: true });
        else await session.terminal.note(`${tokenId} is revoked`);
      });
    });
}

function addCreate(parent: Command, surroundings: Surroundings): void {
  parent
    .command("create", { isDefault: true })
    .summary("make a join token (the default)")
    .description("Prints the token alone on stdout; it can't be shown again.")
    .option("--fleet <fleet>", "the fleet that agents join with it")
    .option("--agent <id>", "good for this agent id alone")
    .option("--uses <n>", "how many agents may enrol with it (default 1)", integerOption(1, 10_000))
    .option("--ttl <duration>", "how long it is good for (at most 30d, default 24h)", durationOption)
    .addHelpText(
      "after",
      `
Example:
  FLEETWIRE_JOIN_TOKEN=$(fleetwire agents token --agent a1) fleetwire-agent --server 127.0.0.1:50051 --id a1`,
    )
    .action(async ({ fleet, agent, uses, ttl }: CreateOptions, command: Command) => {
      await withSession(command, surroundings, async (session) => {
        const { token, view } = await session.client.createJoinToken({
          ...(fleet === undefined ? {} : { fleet }),
          ...(agent === undefined ? {} : { agentId: agent }),
          ...(uses === undefined ? {} : { uses }),
          ...(ttl === undefined ? {} : { ttlSeconds: Math.max(1, Math.ceil(ttl / 1000)) }),
        });
        if (session.json) return session.document({ ...view.json, token });
        await session.line(visibleLine(token));
        return session.terminal.note(describe(view, session.terminal.now()));
      });
    });
}

function describe({ tokenId, agentId, fleet, usesLeft, expiresAt }: JoinTokenView, now: Date): string {
  const uses = usesLeft === null ? [] : [`${usesLeft} ${usesLeft === 1 ? "use" : "uses"}`];
  const whom = [agentId && `agent ${agentId}`, fleet && `fleet ${fleet}`].filter(Boolean);
  const until = expiresAt ? [`expires ${relativeTime(expiresAt, now)}`] : [];
  return `join token ${tokenId}: ${[...whom, ...uses, ...until].join(", ")}`;
}

function columnsAt(now: Date): Column<JoinTokenView>[] {
  return [
    { title: "TOKEN ID", text: (token) => token.tokenId },
    { title: "FLEET", text: (token) => token.fleet },
    { title: "AGENT", text: (token) => token.agentId ?? "any" },
    { title: "USES LEFT", align: "right", text: ({ usesLeft }) => String(usesLeft ?? "") },
    { title: "EXPIRES", text: ({ expiresAt }) => (expiresAt ? relativeTime(expiresAt, now) : "") },
    { title: "REVOKED", text: ({ revokedAt }) => (revokedAt ? relativeTime(revokedAt, now) : "") },
  ];
}
