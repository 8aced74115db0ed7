#!/usr/bin/env node
// Stand-in for Prisma's native `schema-engine` binary: same stdio JSON-RPC protocol,
// backed by @prisma/schema-engine-wasm + a driver adapter. Used through
// PRISMA_SCHEMA_ENGINE_BINARY so that the ordinary prisma CLI works with no binary download.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import * as bg from "@prisma/schema-engine-wasm/schema_engine_bg";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";

const require = createRequire(import.meta.url);
// @prisma/adapter-pg 7.10 has no mapping for PostgreSQL's internal "char" type (oid 18), which the
// schema engine's introspection queries return; present it as bpchar (oid 1042).
const Result = require("pg/lib/result.js");
const addFields = Result.prototype.addFields;
Result.prototype.addFields = function (fds) {
  for (const f of fds) if (f.dataTypeID === 18) f.dataTypeID = 1042;
  return addFields.call(this, fds);
};
const wasmPath = require.resolve("@prisma/schema-engine-wasm").replace(/schema_engine\.js$/, "schema_engine_bg.wasm");
const { instance } = await WebAssembly.instantiate(readFileSync(wasmPath), { "./schema_engine_bg.js": bg });
bg.__wbg_set_wasm(instance.exports);
instance.exports.__wbindgen_start();
globalThis.PRISMA_WASM_PANIC_REGISTRY ??= {
  message: "",
  set_message(m) {
    this.message = m;
  },
};

const argv = process.argv.slice(2);
if (argv.includes("--version")) {
  console.log("schema-engine-wasm " + bg.version());
  process.exit(0);
}
const dsIdx = argv.indexOf("--datasource");
const ds = dsIdx >= 0 ? JSON.parse(argv[dsIdx + 1]) : {};
const log = (level, message, extra = {}) =>
  process.stderr.write(
    JSON.stringify({
      timestamp: new Date().toISOString(),
      level,
      fields: { message, ...extra },
      target: "schema-engine-wasm",
    }) + "\n",
  );

async function makeFactory() {
  const url = ds.url ?? "postgresql://localhost/none";
  const { PrismaPg } = await import("@prisma/adapter-pg");
  const { default: pg } = await import("pg");
  const u = new URL(url);
  const schema = u.searchParams.get("schema") ?? undefined;
  u.searchParams.delete("schema");
  const factory = new PrismaPg({ connectionString: u.toString() }, { schema });
  // PrismaPg.connectToShadowDb() does { ...config, database } - a connectionString wins over `database`,
  // so the "shadow" would be the MAIN database. Create and drop a real one here instead.
  factory.connectToShadowDb = async () => {
    const name = `prisma_migrate_shadow_db_${crypto.randomUUID()}`;
    const admin = await factory.connect();
    await admin.executeScript(`CREATE DATABASE "${name}"`);
    const su = new URL(u);
    su.pathname = "/" + name;
    const pool = new pg.Pool({ connectionString: su.toString() });
    const shadow = await new PrismaPg(pool, { schema }).connect();
    shadow.dispose = async () => {
      await pool.end();
      await admin.executeScript(`DROP DATABASE "${name}"`);
      await admin.dispose();
    };
    return shadow;
  };
  return factory;
}

const cli = argv.indexOf("cli");
if (cli >= 0) {
  const sub = argv[cli + 1];
  try {
    const a = await (await makeFactory()).connect();
    if (sub === "create-database" || sub === "can-connect-to-database") {
      await a.queryRaw({ sql: "SELECT 1", args: [], argTypes: [] });
      await a.dispose();
      log("INFO", "ok");
      process.exit(0);
    }
    throw new Error(`unsupported: cli ${sub}`);
  } catch (e) {
    log("ERROR", e?.cause?.originalMessage ?? e.message, { is_panic: false, error_code: "P1001", meta: {} });
    process.exit(1);
  }
}

let engine;
async function getEngine() {
  engine ??= bg.SchemaEngine.new(
    { datamodels: undefined },
    () => {},
    bindMigrationAwareSqlAdapterFactory(await makeFactory()),
  );
  return engine;
}
const out = (o) => process.stdout.write(JSON.stringify(o) + "\n");
for await (const line of createInterface({ input: process.stdin })) {
  if (!line.trim()) continue;
  const { id, method, params } = JSON.parse(line);
  if (!method) continue; // the CLI acknowledging our `print`
  try {
    const m = method === "getDatabaseVersion" ? "version" : method;
    const e = await getEngine();
    if (m === "ensureConnectionValidity" || m === "createDatabase") {
      out({ jsonrpc: "2.0", id, result: {} });
      continue;
    }
    let result = await e[m](params);
    if (m === "diff" && result?.stdout != null) {
      // the native engine prints through a `print` notification
      out({ jsonrpc: "2.0", id: id + 100000, method: "print", params: { content: result.stdout } });
    }
    out({ jsonrpc: "2.0", id, result: result ?? null });
  } catch (err) {
    out({
      jsonrpc: "2.0",
      id,
      error: {
        code: 4466,
        message: String(err?.message ?? err),
        data: { is_panic: false, message: String(err?.message ?? err), meta: null, error_code: err?.code ?? null },
      },
    });
  }
}
process.exit(0);
