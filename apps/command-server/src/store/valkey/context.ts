import type { Logger } from "@fleetwire/service";
import type { StoreSettings } from "../settings.ts";
import type { SignalSender } from "../signals.ts";
import type { ChangeHub } from "../watch.ts";
import type { LossWatch } from "./loss.ts";
import type { Valkey } from "./valkey.ts";

/** What every step of one store works with. */
export interface StoreContext {
  valkey: Valkey;
  serverId: string;
  log: Logger;
  settings: StoreSettings;
  /** Told of the feed's end at each sweep. */
  loss: LossWatch;
  /** Tells this process's watchers; called right after a step. */
  hub: ChangeHub;
  /** Tells the holder of an agent's session, here or on another server; called right after a step. */
  signals: SignalSender;
}
