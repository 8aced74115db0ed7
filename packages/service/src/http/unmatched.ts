import { FleetwireError } from "../errors/fleetwire-error.ts";
import { httpErrors } from "./http-errors.ts";
import type { FastifyServer } from "./server.ts";

/** Answers 404 where no route is, and 405 with `Allow` where there is one for other methods. */
export function registerUnmatched(server: FastifyServer): void {
  const methodsByPattern = new Map<string, { matches: RegExp; methods: Set<string> }>();

  server.addHook("onRoute", ({ url, method }) => {
    const entry = methodsByPattern.get(url) ?? { matches: patternOf(url), methods: new Set() };
    for (const one of [method].flat()) entry.methods.add(one);
    methodsByPattern.set(url, entry);
  });

  server.setNotFoundHandler((request, reply) => {
    const [path = ""] = request.url.split("?", 1);
    const entries = [...methodsByPattern.values()].filter(({ matches }) => matches.test(path));
    const allowed = new Set(entries.flatMap(({ methods }) => [...methods]));
    if (allowed.size === 0) throw new FleetwireError(httpErrors.route_not_found);
    void reply.header("allow", [...allowed].toSorted().join(", "));
    throw new FleetwireError(httpErrors.method_not_allowed);
  });
}

/** `/commands/:id/output` and `/docs/*`; our routes have no other patterns. */
function patternOf(url: string): RegExp {
  const segments = url.split("/").map((segment) => {
    if (segment.startsWith(":")) return "[^/]+";
    return segment === "*" ? ".*" : segment.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  });
  return new RegExp(`^${segments.join("/")}$`);
}
