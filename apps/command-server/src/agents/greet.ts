import type { AgentMessage, Hello } from "@fleetwire/proto";
import { FleetwireError } from "@fleetwire/service";
import { newId } from "../new-id.ts";
import type { CommandStore, KeptRun, OpenSession, OpenSessionOutcome } from "../store/command-store.ts";
import { agentErrors } from "./agent-errors.ts";
import type { AgentStream } from "./agent-stream.ts";
import { helloMessage, isSignedBy, readHello } from "./hello.ts";
import { ProtocolError } from "./protocol-error.ts";
import { AgentSession, type SessionContext } from "./session.ts";

type Opened = Extract<OpenSessionOutcome, { kind: "opened" }>;

/** A session that the store opened, and whose Welcome is on its way. */
export interface Greeted {
  session: AgentSession;
  superseded: Opened["superseded"];
  /** `running`: the agent goes on with it, rather than owing its result alone. */
  kept: (KeptRun & { running: boolean })[];
}

/**
 * Verifies the agent's first message and opens its session.
 *
 * @throws ProtocolError for a message that isn't a proper Hello.
 * @throws FleetwireError with one of `agentErrors` when the agent may not connect; StoreUnavailable.
 */
export async function openSession(o: {
  stream: AgentStream;
  nonce: Buffer;
  message: AgentMessage;
  serverId: string;
  context: SessionContext;
}): Promise<Greeted> {
  const { stream, context } = o;
  if (!o.message.hello) throw new ProtocolError("the first frame isn't a hello");
  const hello = readHello(o.message.hello);
  await authenticate(context.store, o.message.hello, o.nonce);
  const { opened, ledgerId, newLedger } = await openInStore(context.store, hello);
  const identity = { agentId: hello.agentId, ledgerId, companyId: opened.companyId, epoch: opened.epoch };
  const session = new AgentSession({ identity, profile: hello.profile, stream, context });
  const { epoch, companyId, fleet, superseded, kept, lost } = opened;
  const settled = { kept: kept.length, stop: opened.stop.length, requeued: opened.requeued.length, lost: lost.length };
  context.log.info(
    { agentId: hello.agentId, epoch, companyId, fleet, peer: stream.peer, newLedger, superseded, ...settled },
    "agent session opened",
  );
  for (const commandId of lost) {
    context.metrics.finished.inc({ status: "failed" });
    context.log.warn({ commandId, agentId: hello.agentId, epoch, code: "ledger_lost" }, "command failed");
  }
  welcome(session, opened, {
    newLedgerId: newLedger ? ledgerId : "",
    serverId: o.serverId,
    settings: context.settings,
  });
  const held = new Map(hello.held.map((command) => [command.assignNo, command.state]));
  const runs = kept.map((run) => ({ ...run, running: held.get(run.assignNo) === "running" }));
  return { session, superseded, kept: runs };
}

// So that checking a signature takes as long for an id that nobody has.
const nobodysKey = Buffer.alloc(32, 1);

async function authenticate(store: CommandStore, hello: Hello, nonce: Buffer): Promise<void> {
  const { agentId, ledgerId, signature } = hello;
  const refused = { details: { agentId } };
  if (signature.length !== 64) throw new FleetwireError(agentErrors.invalid_signature, undefined, refused);
  const key = await store.agentKey(agentId);
  const signed = isSignedBy(key?.publicKey ?? nobodysKey, helloMessage(nonce, agentId, ledgerId), signature);
  if (!key || !signed) throw new FleetwireError(agentErrors.agent_unknown, undefined, refused);
  // Said to the holder of the key alone.
  if (key.revoked) throw new FleetwireError(agentErrors.agent_revoked, undefined, refused);
}

async function openInStore(
  store: CommandStore,
  hello: OpenSession,
): Promise<{ opened: Opened; ledgerId: string; newLedger: boolean }> {
  const first = await store.openSession(hello);
  if (first.kind !== "restored_copy")
    return { opened: mustBeOpened(first, hello), ledgerId: hello.ledgerId, newLedger: false };
  // An older copy can't tell what it did since: it begins a new ledger, and what the old one held counts as lost.
  const ledgerId = newId();
  const second = await store.openSession({ ...hello, ledgerId, highest: 0, horizon: 0, held: [] });
  return { opened: mustBeOpened(second, hello), ledgerId, newLedger: true };
}

function mustBeOpened(outcome: OpenSessionOutcome, { agentId }: OpenSession): Opened {
  const refused = { details: { agentId } };
  switch (outcome.kind) {
    case "opened":
      return outcome;
    case "in_use": {
      const { serverId, lastSeenMs } = outcome;
      throw new FleetwireError(agentErrors.agent_id_in_use, undefined, { details: { agentId, serverId, lastSeenMs } });
    }
    case "revoked":
      throw new FleetwireError(agentErrors.agent_revoked, undefined, refused);
    case "agent_unknown":
      throw new FleetwireError(agentErrors.agent_unknown, undefined, refused);
    default:
      throw new Error("the store takes a new ledger for a restored copy");
  }
}

function welcome(
  session: AgentSession,
  opened: Opened,
  o: { newLedgerId: string; serverId: string; settings: SessionContext["settings"] },
): void {
  const { epoch, kept, stop } = opened;
  session.send({
    welcome: {
      epoch,
      newLedgerId: o.newLedgerId,
      heartbeatIntervalMs: o.settings.heartbeatIntervalMs,
      heartbeatTimeoutMs: o.settings.heartbeatTimeoutMs,
      maxChunkBytes: o.settings.maxChunkBytes,
      resume: kept.map(({ commandId, attempt, outputEnd }) => ({ commandId, attempt, offset: outputEnd })),
      serverId: o.serverId,
      takesFacts: true,
    },
  });
  for (const run of stop) session.reports.cancel(run);
  for (const run of kept) if (run.cancelRequested) session.reports.cancel(run);
}
