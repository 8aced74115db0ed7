export { backoffMs, defaultRetryPolicy, type RetryPolicy } from "./backoff.ts";
export { parseQueueDefinitions, readQueueDefinitions } from "./definitions-file.ts";
export { MessagingError, type MessagingErrorCode } from "./errors.ts";
export type { Duration } from "./duration.ts";
export { createInbox, inboxTable, type Inbox, type InboxClient } from "./inbox.ts";
export { silentLog, type MessagingLog } from "./log.ts";
export {
  newMessageId,
  priorities,
  type Message,
  type MetadataValue,
  type NewMessage,
  type PriorityName,
} from "./message.ts";
export { Reject, Retry, type DeadLetterReason } from "./outcome.ts";
export type {
  BatchHandler,
  BatchOptions,
  Capabilities,
  DeadLetter,
  Delivery,
  GroupStats,
  Handler,
  Keeping,
  PublishOptions,
  QueueProvider,
  QueueStats,
  SubscribeOptions,
  Subscription,
} from "./provider.ts";
export { type GroupDefinition, type QueueDefinition, type QueueKind } from "./queue-definition.ts";
export { resolveQueue } from "./resolve-queue.ts";
export { reportType, type DeliveryReport } from "./reports.ts";
export { matchesTopic } from "./topic.ts";
export type { Tracing } from "./tracing.ts";
