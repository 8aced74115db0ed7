import { fileURLToPath } from "node:url";
import { defineConfig } from "prisma/config";

// No engine is downloaded: the CLI uses the WASM engine from npm, unless another one was named.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= fileURLToPath(new URL("./prisma/tools/schema-engine.mjs", import.meta.url));

export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  datasource: { url: process.env.DATABASE_URL ?? "postgresql://postgres@127.0.0.1:5432/fleetwire_command_server" },
});
