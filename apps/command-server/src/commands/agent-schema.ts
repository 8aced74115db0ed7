import { Validator, type Schema } from "@cfworker/json-schema";
import type { Violation } from "@fleetwire/service";
import type { JsonObject, JsonValue } from "./command.ts";
import { countValues, isJsonObject } from "./json-text.ts";

/*
 * Schemas come from agents, which this server doesn't trust. They are interpreted, never compiled into code, and only
 * what can be checked in bounded time is kept: no `pattern`, `patternProperties` or `format` (regular expressions that
 * the agent chose), no `$ref` (a few lines of it can mean exponential work), no `uniqueItems` (quadratic). What is
 * dropped here the agent still checks itself.
 */
const maxSchemaNodes = 1_000;
const maxSchemaDepth = 32;
/** Schema nodes × parameter values; about 0.2 s of one core. */
const maxWork = 200_000;
const maxProblems = 20;

/** Keywords that only say that something below them is wrong, which is told itself. */
const passedOn = new Set(["properties", "additionalProperties", "items", "prefixItems", "allOf"]);

const typeNames = new Set(["array", "boolean", "integer", "null", "number", "object", "string"]);
const numberKeywords = new Set([
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "minProperties",
  "maxProperties",
]);
const schemaKeywords = new Set(["additionalProperties", "items", "not", "propertyNames", "contains"]);
const schemaListKeywords = new Set(["allOf", "anyOf", "oneOf", "prefixItems"]);

class SchemaTooLarge extends Error {}

/**
 * Checks parameters by the JSON Schema (2020-12) that the agent announced for the type.
 * Empty: nothing wrong was found, which includes schemas that are too large to be checked here.
 */
export function checkByAgentSchema(parameters: JsonObject, announced: JsonObject): Violation[] {
  const budget = { nodes: 0 };
  let schema: Schema | boolean;
  try {
    schema = boundedSchema(announced, budget, 0);
  } catch (error) {
    if (error instanceof SchemaTooLarge) return [];
    throw error;
  }
  if (budget.nodes * countValues(parameters) > maxWork) return [];
  const { errors } = new Validator(schema, "2020-12", false).validate(parameters);
  const own = errors.filter(({ keyword }) => !passedOn.has(keyword));
  return own.slice(0, maxProblems).map(({ instanceLocation, keyword, error }) => ({
    path: `/parameters${instanceLocation.replace(/^#/, "").slice(0, 256)}`,
    message: keyword === "false" ? "is not allowed" : error.slice(0, 256).toWellFormed(),
  }));
}

function boundedSchema(value: JsonValue, budget: { nodes: number }, depth: number): Schema | boolean {
  budget.nodes += 1;
  if (budget.nodes > maxSchemaNodes || depth > maxSchemaDepth) throw new SchemaTooLarge();
  if (typeof value === "boolean") return value;
  if (!isJsonObject(value)) return true;
  const sub = (item: JsonValue) => boundedSchema(item, budget, depth + 1);
  const schema: Schema = {};
  for (const [keyword, operand] of Object.entries(value)) {
    if (numberKeywords.has(keyword)) {
      if (typeof operand === "number") schema[keyword] = operand;
    } else if (schemaKeywords.has(keyword)) {
      if (typeof operand === "boolean" || isJsonObject(operand)) schema[keyword] = sub(operand);
    } else if (schemaListKeywords.has(keyword)) {
      if (Array.isArray(operand)) schema[keyword] = operand.map(sub);
    } else if (keyword === "properties") {
      if (isJsonObject(operand)) schema.properties = mapOf(operand, sub);
    } else if (keyword === "type") {
      if (isTypeList(operand)) schema.type = operand as NonNullable<Schema["type"]>;
    } else if (keyword === "required") {
      if (isTextList(operand)) schema.required = operand;
    } else if (keyword === "enum") {
      if (Array.isArray(operand)) schema.enum = counted(operand, budget);
    } else if (keyword === "const") {
      schema.const = counted(operand, budget);
    }
  }
  return schema;
}

function counted<T extends JsonValue>(operand: T, budget: { nodes: number }): T {
  budget.nodes += countValues(operand);
  if (budget.nodes > maxSchemaNodes) throw new SchemaTooLarge();
  return operand;
}

function mapOf(source: JsonObject, sub: (item: JsonValue) => Schema | boolean): Record<string, Schema | boolean> {
  const map: Record<string, Schema | boolean> = Object.create(null) as Record<string, Schema | boolean>;
  for (const [name, item] of Object.entries(source)) map[name] = sub(item);
  return map;
}

function isTypeList(operand: JsonValue): boolean {
  const names = Array.isArray(operand) ? operand : [operand];
  return names.length > 0 && names.every((name) => typeof name === "string" && typeNames.has(name));
}

function isTextList(operand: JsonValue): operand is string[] {
  return Array.isArray(operand) && operand.every((item) => typeof item === "string");
}
