// Generates src/generated from the .proto files, with the options that src/load.ts loads them with.
//
//   npm run generate:types
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

/** The folder that is committed. */
export const committed = join(here, "src/generated");

/**
 * Writes the types of all contracts into the folder `out`; what was there goes.
 *
 * @param {string} out
 */
export function generateTypes(out) {
  const loader = createRequire(import.meta.url).resolve("@grpc/proto-loader/package.json");
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
      "fleetwire/command/v1/rollout.proto",
    ],
    { stdio: ["ignore", "ignore", "inherit"], cwd: here },
  );

  for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    writeFileSync(file, readFileSync(file, "utf8").replace(/^\/\/ Original file: (.*)$/m, sourceLine));
  }
}

/** The generator names a source by its absolute path, and none for google's own: leave what is the same on every machine. */
function sourceLine(_line, path) {
  const source = path === "null" ? "google/protobuf" : path.replace(/^.*(?=fleetwire\/(agent|command)\/)/, "");
  return `// Generated from ${source} by proto/generate.mjs. Do not edit.`;
}

const isMain = process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isMain) generateTypes(committed);
