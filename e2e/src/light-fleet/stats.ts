/** What a light fleet has seen so far. */
export interface LightFleetStats {
  agents: number;
  /** Welcomed now. */
  connected: number;
  /** Welcomes so far; more than `agents` once some have come back. */
  welcomes: number;
  /** When the last Welcome came, ms since 1970. */
  lastWelcomeAt: number;
  /** Agents that were told not to come back. */
  dismissed: number;
  /** Commands carried out, PING and the like apart. */
  executed: number;
  /** GoAways by reason. */
  goAways: Record<string, number>;
  /** Ends of streams that no GoAway announced, by code of the server, else by status. */
  ends: Record<string, number>;
  channels: number;
}

export function countIn(table: Record<string, number>, key: string): void {
  table[key] = (table[key] ?? 0) + 1;
}
