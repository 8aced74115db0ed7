import { fieldsOf } from "../fields.ts";

/** Whom a rollout was asked for, in words: "fleet edge, role=web, offering SCAN, online". */
export function selectionText(selection: Record<string, unknown>): string {
  const { fleetId } = selection;
  const { fleet = fleetId, labels, capabilities, online } = fieldsOf(selection["selector"]);
  const parts = [
    typeof fleet === "string" ? `fleet ${fleet}` : "",
    ...Object.entries(fieldsOf(labels)).map(([name, value]) => `${name}=${String(value)}`),
    ...(Array.isArray(capabilities) ? capabilities.map((type) => `offering ${String(type)}`) : []),
    online === true ? "online" : "",
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(", ") : "every agent";
}
