import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "./command.ts";
import { checkByAgentSchema } from "./agent-schema.ts";

const scan: JsonObject = {
  type: "object",
  required: ["depth"],
  properties: {
    depth: { type: "integer", minimum: 1, maximum: 5 },
    mode: { enum: ["quick", "full"] },
    hosts: { type: "array", items: { type: "string" }, maxItems: 2 },
  },
  additionalProperties: false,
};

function paths(parameters: JsonObject, schema: JsonObject): string[] {
  return checkByAgentSchema(parameters, schema).map(({ path }) => path);
}

describe("parameters are checked by the agent's schema", () => {
  test("those that fit pass", () => {
    expect(paths({ depth: 2, mode: "full", hosts: ["a"] }, scan)).toEqual([]);
  });

  test.each<[string, JsonObject, string]>([
    ["a missing one", {}, "/parameters"],
    ["one out of range", { depth: 9 }, "/parameters/depth"],
    ["one of another type", { depth: "2" }, "/parameters/depth"],
    ["an unknown one", { depth: 1, extra: 1 }, "/parameters/extra"],
    ["a wrong item", { depth: 1, hosts: [1] }, "/parameters/hosts/0"],
    ["a value outside the enum", { depth: 1, mode: "slow" }, "/parameters/mode"],
  ])("%s is told with its path", (_what, parameters, path) => {
    expect(paths(parameters, scan)).toContain(path);
  });
});

describe("a schema can't harm the server", () => {
  test("a regular expression in it is never run", () => {
    const evil: JsonObject = {
      properties: { a: { pattern: "^(a+)+$", format: "email" } },
      patternProperties: { "^(a+)+$": false },
    };
    expect(paths({ a: `${"a".repeat(40)}!` }, evil)).toEqual([]);
  });

  test("references that double at each step aren't followed", () => {
    const definitions: JsonObject = {};
    for (let step = 0; step < 40; step += 1) {
      definitions[`d${step}`] = { allOf: [{ $ref: `#/$defs/d${step + 1}` }, { $ref: `#/$defs/d${step + 1}` }] };
    }
    expect(paths({ a: 1 }, { $defs: definitions, $ref: "#/$defs/d0" })).toEqual([]);
  });

  test("one that refers to itself ends", () => {
    expect(paths({ a: 1 }, { $ref: "#" })).toEqual([]);
    expect(paths({ a: 1 }, { $recursiveRef: "#", $recursiveAnchor: true })).toEqual([]);
  });

  test("one too large to be checked in bounded time is left to the agent", () => {
    const properties: JsonObject = {};
    for (let index = 0; index < 2_000; index += 1) properties[`p${index}`] = { type: "string" };
    expect(paths({ p0: 1 }, { properties })).toEqual([]);
  });

  test("parameters too many for it are left to the agent", () => {
    const schema: JsonObject = { properties: { a: { items: { anyOf: [{ type: "string" }, { type: "null" }] } } } };
    expect(paths({ a: Array.from({ length: 100_000 }, () => 1) }, schema)).toEqual([]);
    expect(paths({ a: [1] }, schema)).not.toEqual([]);
  });

  test("whatever it holds, checking by it doesn't throw", () => {
    const keyword = fc.constantFrom(
      "type",
      "properties",
      "items",
      "anyOf",
      "allOf",
      "oneOf",
      "not",
      "required",
      "enum",
      "const",
      "$ref",
      "additionalProperties",
      "prefixItems",
      "contains",
      "propertyNames",
      "multipleOf",
      "minimum",
      "maxLength",
      "if",
      "then",
      "$id",
      "$anchor",
      "dependencies",
      "dependentRequired",
      "unevaluatedProperties",
      "__proto__",
    );
    const operand = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.dictionary(keyword, fc.jsonValue({ maxDepth: 2 })),
      fc.constantFrom("object", "integer", "#", "#/properties/a", true, false),
    );
    fc.assert(
      fc.property(fc.dictionary(keyword, operand), fc.dictionary(fc.string(), fc.jsonValue()), (schema, parameters) => {
        const violations = checkByAgentSchema(parameters as JsonObject, schema as JsonObject);
        expect(violations.every(({ path, message }) => path.startsWith("/parameters") && message !== "")).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
