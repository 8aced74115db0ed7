/** What this package needs of a logger. A pino logger fits as it is. */
export interface MessagingLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** For callers who want nothing said. */
export const silentLog: MessagingLog = { debug() {}, info() {}, warn() {}, error() {} };
