import { eventually } from "../../eventually.ts";
import type { TestRabbitMQ } from "../node.ts";
import { runningAsSeenBy } from "./view.ts";

const deadlineMs = 60_000;

/**
 * Has a node refuse the others and be refused by them: it takes another secret for theirs. Resolves when it has paused
 * and they go on without it.
 *
 * @throws Error when that isn't so in 60 s.
 */
export async function cutOff(node: TestRabbitMQ, others: readonly TestRabbitMQ[]): Promise<void> {
  // In one go: a node that lost it before the other did would take that for a partial partition, and pause as well.
  await node.ctl(
    "eval",
    `${forEach(others, "erlang:set_cookie(Peer, cut_off)")}, ${forEach(others, "erlang:disconnect_node(Peer)")}.`,
  );
  const alone = async () => {
    const views = await Promise.all(others.map(runningAsSeenBy));
    return views.every((running) => !running.includes(node.nodeName)) && (await hasPaused(node));
  };
  await eventually(alone, { deadlineMs, intervalMs: 100, what: `${node.nodeName} paused, and the others without it` });
}

/** Ends what {@link cutOff} did; the node then finds the others by itself. */
export async function heal(node: TestRabbitMQ, others: readonly TestRabbitMQ[]): Promise<void> {
  await node.ctl("eval", `${forEach(others, "erlang:set_cookie(Peer, erlang:get_cookie())")}.`);
}

/** An Erlang expression for each of the nodes. */
function forEach(nodes: readonly TestRabbitMQ[], expression: string): string {
  return `[${expression} || Peer <- [${nodes.map(({ nodeName }) => `'${nodeName}'`).join(", ")}]]`;
}

/** Whether nothing of the broker runs any more on its Erlang machine. Throws while it is being stopped. */
async function hasPaused(node: TestRabbitMQ): Promise<boolean> {
  const running = await node.ctl(
    "eval",
    "[Name || {Name, _, _} <- application:which_applications(), Name =:= rabbit].",
  );
  return running.trim() === "[]";
}
