/** Names one run, in the environment of every process that it starts and that doesn't clear it. */
export interface RunMarker {
  agentId: string;
  commandId: string;
  attempt: number;
}

const names = {
  agentId: "FLEETWIRE_AGENT_ID",
  commandId: "FLEETWIRE_COMMAND_ID",
  attempt: "FLEETWIRE_ATTEMPT",
} as const;

/** What a command finds in its environment, and what its processes are known by. */
export function markerVariables({ agentId, commandId, attempt }: RunMarker): Record<string, string> {
  return { [names.agentId]: agentId, [names.commandId]: commandId, [names.attempt]: String(attempt) };
}

/** Whether this environment (`NAME=value` each) is that of a process of the run. Agents before this one set no attempt. */
export function carriesMarker(environment: readonly string[], marker: RunMarker): boolean {
  if (!environment.includes(`${names.commandId}=${marker.commandId}`)) return false;
  if (!environment.includes(`${names.agentId}=${marker.agentId}`)) return false;
  const attempt = environment.find((entry) => entry.startsWith(`${names.attempt}=`));
  return attempt === undefined || attempt === `${names.attempt}=${marker.attempt}`;
}
