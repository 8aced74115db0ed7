import type { Violation } from "@fleetwire/service";
import { Type, type TSchema } from "typebox";
import { Compile } from "typebox/compile";
import type { JsonObject } from "./command.ts";
import { checkByAgentSchema } from "./agent-schema.ts";

const nothing = Type.Object({}, { additionalProperties: false });
const reason = Type.Object(
  { reason: Type.Optional(Type.String({ maxLength: 1024 })) },
  { additionalProperties: false },
);

/** Types that every agent has, and what each takes. */
const builtInParameters: ReadonlyMap<string, TSchema> = new Map<string, TSchema>([
  ["SHELL", nothing],
  ["PING", nothing],
  ["FACTS", nothing],
  ["STOP", reason],
  ["RESTART", reason],
]);

const builtInChecks = new Map([...builtInParameters].map(([type, schema]) => [type, Compile(schema)] as const));

export function isBuiltIn(type: string): boolean {
  return builtInChecks.has(type);
}

/** What the parameters of a command, its `command` and `args` included, have to satisfy. */
export interface TypedRequest {
  type: string;
  command: string | null;
  args: string[] | null;
  parameters: JsonObject;
}

/** What is wrong with a request of one of the types that every agent has; empty where nothing is. */
export function checkBuiltIn(request: TypedRequest): Violation[] {
  const check = builtInChecks.get(request.type);
  if (check === undefined) return [];
  const problems = commandProblems(request);
  for (const error of check.Errors(request.parameters)) {
    problems.push({ path: `/parameters${error.instancePath}`, message: error.message });
  }
  return problems;
}

/** The same for a type that the agent announced; null schema: any object. */
export function checkAnnounced(request: TypedRequest, schema: JsonObject | null): Violation[] {
  const problems = commandProblems(request);
  return schema === null ? problems : [...problems, ...checkByAgentSchema(request.parameters, schema)];
}

function commandProblems({ type, command, args }: TypedRequest): Violation[] {
  if (type === "SHELL") return command === null ? [{ path: "/command", message: "is needed for SHELL" }] : [];
  const problems: Violation[] = [];
  if (command !== null) problems.push({ path: "/command", message: `is for SHELL, not for ${type}` });
  if (args !== null) problems.push({ path: "/args", message: `is for SHELL, not for ${type}` });
  return problems;
}
