import type { FastifySchemaCompiler } from "fastify";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { Value } from "typebox/value";

const mostViolations = 20;

/**
 * Checks with TypeBox. Bodies are taken as they are; parameters, which are texts on the wire, are converted to what
 * the schema asks for. Defaults are filled in.
 */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema);
  const isBody = httpPart === "body";
  // Filling in walks the whole value: only where there may be something to fill in.
  const hasDefaults = JSON.stringify(schema).includes('"default":');
  return (input: unknown) => {
    const read = isBody ? input : Value.Convert(schema, isRecord(input) ? { ...input } : input);
    const value = hasDefaults ? Value.Default(schema, read) : read;
    if (validator.Check(value)) return { value };
    const errors = validator
      .Errors(value)
      // A closed object says "schema is false" for each unknown property, beside naming them.
      .filter(({ keyword }) => keyword !== "boolean")
      .slice(0, mostViolations);
    return {
      error: errors.map(({ instancePath, message, keyword, schemaPath, params }) => {
        const unknownNames = keyword === "additionalProperties" ? params.additionalProperties : null;
        const said =
          unknownNames === null
            ? message
            : `has no property ${unknownNames
                .slice(0, 5)
                .map((name) => JSON.stringify(name.slice(0, 64)))
                .join(", ")}`;
        return { keyword, schemaPath, instancePath, message: said, params: { ...params } };
      }),
    };
  };
};

/**
 * The schema with `additionalProperties: false` on every object that doesn't say otherwise, so that a misspelt
 * property is refused instead of ignored. Parts of an `allOf` stay open: closed ones would refuse each other's.
 */
export function closed(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return schema;
  const copy: Record<string, unknown> = Object.create(
    Object.getPrototypeOf(schema),
    Object.getOwnPropertyDescriptors(schema),
  );
  if (isRecord(copy["properties"])) {
    copy["properties"] = Object.fromEntries(
      Object.entries(copy["properties"]).map(([name, part]) => [name, closed(part)]),
    );
    copy["additionalProperties"] ??= false;
  }
  if (isRecord(copy["items"])) copy["items"] = closed(copy["items"]);
  for (const union of ["anyOf", "oneOf"]) {
    const parts: unknown = copy[union];
    if (Array.isArray(parts)) copy[union] = parts.map(closed);
  }
  return copy;
}

/** Whether it is an object that isn't a list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
