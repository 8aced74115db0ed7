export { systemClock, type Clock } from "./clock.ts";
export { toAckDecision } from "./errors/ack-decision.ts";
export type { AckDecision, ErrorKind } from "./errors/error-kind.ts";
export {
  FleetwireError,
  defineErrors,
  type ErrorExtra,
  type ErrorSpec,
  type Violation,
} from "./errors/fleetwire-error.ts";
export { toGrpcStatus } from "./errors/grpc-status.ts";
export { problemContentType, retryAfterMs, toProblem, type Problem } from "./errors/problem.ts";
export { createHealth, type CheckResult, type Health, type HealthGauge, type Readiness } from "./health.ts";
export { httpErrors } from "./http/http-errors.ts";
export { parseTraceparent, type Traceparent } from "./http/request-context.ts";
export { createHttpServer, type FastifyServer, type HttpServerOptions } from "./http/server.ts";
export type { JsonObject, JsonValue } from "./json.ts";
export { createLifecycle, type Lifecycle } from "./lifecycle.ts";
export { createLogger, type LogFields, type Logger } from "./log.ts";
export { createMetrics } from "./metrics.ts";
export { hasScope, type Principal, type TokenVerifier } from "./principal/principal.ts";
export { createTokenFileVerifier } from "./principal/token-file-verifier.ts";
export { ensureTokenFile, writeTokenFile, type TokenEntry } from "./principal/token-file.ts";
export { bearerToken, hashToken, newToken } from "./principal/token.ts";
export { describeSettings, printableSettings, settingsHelp, type SettingDescription } from "./settings/describe.ts";
export { formatDuration, parseDuration, type DurationText } from "./settings/duration.ts";
export { choice, duration, flag, integer, list, number, path, port, secret, text } from "./settings/kinds.ts";
export { rabbitmqSettings } from "./settings/rabbitmq.ts";
export { SettingsError, loadSettings, type Settings, type SettingsInput } from "./settings/load.ts";
export type { SettingSpec } from "./settings/spec.ts";
