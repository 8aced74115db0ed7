import type { Logger } from "@fleetwire/service";
import type { StoreSettings } from "../settings.ts";
import type { SignalSender } from "../signals.ts";
import type { Sql } from "./sql.ts";
import type { ChangeHub } from "../watch.ts";

/** What every statement family of one store works with. */
export interface StoreContext {
  sql: Sql;
  serverId: string;
  log: Logger;
  settings: StoreSettings;
  /** Tells this process's watchers; called right after a commit. */
  hub: ChangeHub;
  /** Tells the holder of an agent's session, here or on another server; called right after a commit. */
  signals: SignalSender;
}
