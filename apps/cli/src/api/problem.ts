import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { CliFailure } from "../failure.ts";
import { fieldsOf } from "../fields.ts";

/** A failure from an RFC 9457 answer; null where the content is none of ours. */
export function problemFailure(status: number, content: unknown, retryAfter: unknown): CliFailure | null {
  const { code, title, detail, details, errors, requestId } = fieldsOf(content);
  if (typeof code !== "string" || status < 400) return null;
  const said = typeof detail === "string" ? detail : typeof title === "string" ? title : code;
  const lines = [`${said} (${code})`, ...violationLines(errors), ...violationLines(fieldsOf(details)["problems"])];
  const hint = hintFor(code, fieldsOf(details), retryAfter);
  return new CliFailure(exitCodeOf(status), lines.join("\n"), {
    code,
    ...(hint ? { hint } : typeof requestId === "string" && status >= 500 ? { hint: `request ${requestId}` } : {}),
  });
}

function exitCodeOf(status: number): ExitCode {
  if (status === 401 || status === 403) return exitCodes.notAllowed;
  if (status === 404 || status === 410) return exitCodes.notFound;
  if (status === 429 || status >= 500) return exitCodes.tryAgain;
  return exitCodes.refused;
}

/** Lines that say where in the request something is wrong. */
function violationLines(violations: unknown): string[] {
  if (!Array.isArray(violations)) return [];
  return violations.slice(0, 20).map((violation) => {
    const { path, message } = fieldsOf(violation);
    return `  ${typeof path === "string" && path ? path : "request"}: ${String(message)}`;
  });
}

function hintFor(code: string, details: Record<string, unknown>, retryAfter: unknown): string | null {
  const { known } = details;
  if (code === "unknown_type" && Array.isArray(known)) return `it offers ${known.map(String).join(", ") || "none"}`;
  if (code === "no_targets" && Number(details["unable"]) > 0)
    return `${String(details["unable"])} were selected and can't`;
  if (code === "no_targets" || code === "no_agent_available") return '"fleetwire agents list" shows who is there';
  if (code === "agent_unknown") return '"fleetwire agents list" shows the known ones';
  if (code === "idempotency_key_reused") return "the same --idempotency-key was used for another command";
  if (typeof retryAfter === "string") return `try again in ${retryAfter} s`;
  return null;
}
