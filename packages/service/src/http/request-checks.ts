import { FleetwireError } from "../errors/fleetwire-error.ts";
import { httpErrors } from "./http-errors.ts";
import { parseJsonBody } from "./json-body.ts";
import type { FastifyServer } from "./server.ts";

/** Refuses what no route may see: encoded bodies, bodies other than JSON, NUL in the address. */
export function registerRequestChecks(server: FastifyServer): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("application/json", { parseAs: "buffer" }, async (_request: unknown, body: Buffer) => {
    // A client that always sends the content type may have no body to send.
    return body.length === 0 ? undefined : parseJsonBody(body);
  });

  server.addHook("onRequest", async (request) => {
    const encoding = request.headers["content-encoding"];
    if (encoding !== undefined && encoding !== "identity") throw new FleetwireError(httpErrors.unsupported_media_type);
  });

  server.addHook("preValidation", async (request) => {
    if (holdsNul(request.params)) refuseNul("params");
    if (holdsNul(request.query)) refuseNul("query");
  });
}

function holdsNul(values: unknown): boolean {
  if (typeof values !== "object" || values === null) return false;
  return Object.entries(values).some(([name, value]) =>
    [name, value].flat().some((text) => String(text).includes("\0")),
  );
}

function refuseNul(path: string): never {
  const message = "Texts can't hold NUL.";
  throw new FleetwireError(httpErrors.invalid_request, message, { violations: [{ path, message }] });
}
