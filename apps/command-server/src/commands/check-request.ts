import { FleetwireError, httpErrors, type ErrorSpec, type Violation } from "@fleetwire/service";
import { Compile } from "typebox/compile";
import { CommandRequestSchema, limits, type CommandRequest } from "./command-request.ts";
import { findUnstorable } from "./json-text.ts";

const requestCheck = Compile(CommandRequestSchema);
const maxViolations = 20;

/**
 * Shape, sizes and times of a request from outside; what it says about its type is checked elsewhere.
 * Throws `invalid_request`.
 */
export function checkRequest(body: unknown, now: Date): CommandRequest {
  if (!requestCheck.Check(body)) {
    const problems = requestCheck.Errors(body).slice(0, maxViolations);
    const violations = problems.map((error) => ({ path: error.instancePath, message: error.message }));
    refuse(httpErrors.invalid_request, violations);
  }
  const request: CommandRequest = body;
  const unstorable = findUnstorable(request, "", limits.depth);
  if (unstorable) refuse(httpErrors.invalid_request, [unstorable]);
  const problems: Violation[] = targetProblems(request);
  if (byteLength(request.command ?? "") > limits.commandBytes) {
    problems.push({ path: "/command", message: `is longer than ${limits.commandBytes} bytes` });
  }
  if ((request.args ?? []).reduce((sum, arg) => sum + byteLength(arg) + 1, 0) > limits.argsBytes) {
    problems.push({ path: "/args", message: `are longer than ${limits.argsBytes} bytes together` });
  }
  if (byteLength(JSON.stringify(request.parameters ?? {})) > limits.parametersBytes) {
    problems.push({ path: "/parameters", message: `are larger than ${limits.parametersBytes} bytes` });
  }
  const expiry = request.expiresAt === undefined ? null : expiryProblem(Date.parse(request.expiresAt), now);
  if (expiry !== null) problems.push({ path: "/expiresAt", message: expiry });
  if (problems.length > 0) refuse(httpErrors.invalid_request, problems);
  return request;
}

const forRollouts = ["maxConcurrency", "maxErrors"] as const;
const forMany = [...forRollouts, "pick", "dryRun"] as const;
const forOne = ["allowUnknownAgent"] as const;

/** A request names one agent, or says which of many; some fields are for the one, some for the other. */
function targetProblems(request: CommandRequest): Violation[] {
  const named = (["agentId", "fleetId", "selector"] as const).filter((field) => request[field] !== undefined);
  const [target] = named;
  if (target === undefined || named.length > 1) {
    return [{ path: "", message: "needs exactly one of agentId, fleetId and selector" }];
  }
  const said = (field: keyof CommandRequest) => request[field] !== undefined && request[field] !== false;
  const forOthers = target === "agentId" ? forMany : forOne;
  const problems = forOthers.filter(said).map((field) => ({ path: `/${field}`, message: `doesn't go with ${target}` }));
  if (request.pick === undefined) return problems;
  const unfit = forRollouts.filter(said).map((field) => ({ path: `/${field}`, message: "doesn't go with pick" }));
  return [...problems, ...unfit];
}

function expiryProblem(expiresAt: number, now: Date): string | null {
  if (Number.isNaN(expiresAt)) return "is not an instant";
  if (expiresAt <= now.getTime()) return "is not in the future";
  return expiresAt > now.getTime() + limits.expiresAheadMs ? "is more than 30 days ahead" : null;
}

function byteLength(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

/** Throws the error with what is wrong in the body. The first violation is in the sentence too, for those who see no more than that (gRPC). */
export function refuse(spec: ErrorSpec, violations: readonly Violation[]): never {
  const first = violations[0];
  const message = first === undefined ? spec.message : `${spec.message} ${first.path || "/"} ${first.message}.`;
  throw new FleetwireError(spec, message, { violations: violations.map(inBody) });
}

function inBody({ path, message }: Violation): Violation {
  return { path: `body${path}`, message };
}
