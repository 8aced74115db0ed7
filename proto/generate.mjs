// Generates src/generated from the .proto files, with the options that src/load.ts loads them with.
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const loader = createRequire(import.meta.url).resolve("@grpc/proto-loader/package.json");
const out = join(here, "src/generated");

rmSync(out, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [
    join(dirname(loader), "build/bin/proto-loader-gen-types.js"),
    "--longs=Number",
    "--enums=String",
    "--defaults",
    "--oneofs",
    "--includeComments",
    "--inputTemplate=%sInput",
    "--outputTemplate=%s",
    "--grpcLib=@grpc/grpc-js",
    "--targetFileExtension=.ts",
    "--importFileExtension=.ts",
    `--includeDirs=${here}`,
    `--outDir=${out}`,
    "fleetwire/agent/v1/agent.proto",
    "fleetwire/command/v1/command.proto",
  ],
  { stdio: "inherit", cwd: here },
);

// The generator names each source by its absolute path: leave the part that is the same on every machine.
for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const file = join(entry.parentPath, entry.name);
  const text = readFileSync(file, "utf8").replace(
    /^\/\/ Original file: (.*)$/m,
    (_, path) => `// Generated from ${path.replace(/^.*(?=(fleetwire\/(agent|command)|google\/protobuf)\/)/, "")} by proto/generate.mjs. Do not edit.`,
  );
  writeFileSync(file, text);
}
