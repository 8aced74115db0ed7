#!/usr/bin/env node
// Stands in for Prisma's native schema engine, so that the ordinary Prisma CLI works with nothing downloaded: the same
// JSON-RPC over standard input and output, backed by the WASM engine from npm and adapter-pg. The CLI finds it by
// PRISMA_SCHEMA_ENGINE_BINARY (prisma.config.ts). The engine's version goes with Prisma's: raise them together.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from "@prisma/driver-adapter-utils";
import * as engineModule from "@prisma/schema-engine-wasm/schema_engine_bg";

const require = createRequire(import.meta.url);
/** Names of the columns that came as "char". */
const charColumns = new Set();
const write = (text) => process.stdout.write(`${text}\n`);
const argumentList = process.argv.slice(2);

await startWasm();
if (argumentList.includes("--version")) {
  write(`schema-engine-wasm ${engineModule.version()}`);
  process.exit(0);
}
mapInternalCharType();
const datasource = datasourceFrom(argumentList);
const cliAt = argumentList.indexOf("cli");
if (cliAt >= 0) await answerCli(argumentList[cliAt + 1]);
else await serve();
process.exit(0);

async function startWasm() {
  const wasm = require.resolve("@prisma/schema-engine-wasm").replace(/schema_engine\.js$/, "schema_engine_bg.wasm");
  const { instance } = await WebAssembly.instantiate(readFileSync(wasm), { "./schema_engine_bg.js": engineModule });
  const start = "__wbindgen_start"; // names that wasm-bindgen gives
  Reflect.get(engineModule, "__wbg_set_wasm")(instance.exports);
  instance.exports[start]();
  globalThis.PRISMA_WASM_PANIC_REGISTRY ??= {
    message: "",
    set_message(message) {
      this.message = message;
    },
  };
}

/**
 * adapter-pg 7.10 doesn't know PostgreSQL's internal "char" type (oid 18), which the engine's introspection queries
 * return. Such columns are taken for bpchar (1042) on the way in, and given to the engine as characters, since it
 * panics on any other type.
 */
function mapInternalCharType() {
  const Result = require("pg/lib/result.js");
  const addFields = Result.prototype.addFields;
  Result.prototype.addFields = function withChar(fields) {
    for (const field of fields) {
      if (field.dataTypeID !== 18) continue;
      field.dataTypeID = 1042;
      charColumns.add(field.name);
    }
    return addFields.call(this, fields);
  };
}

function withCharacters(adapter) {
  const queryRaw = adapter.queryRaw.bind(adapter);
  adapter.queryRaw = async (query) => {
    const result = await queryRaw(query);
    const columnTypes = result.columnNames.map((name, n) =>
      charColumns.has(name) ? ColumnTypeEnum.Character : result.columnTypes[n],
    );
    return { ...result, columnTypes };
  };
  return adapter;
}

function datasourceFrom(args) {
  const at = args.indexOf("--datasource");
  const { url = "postgresql://localhost/none" } = at < 0 ? {} : JSON.parse(args[at + 1]);
  const parsed = new URL(url);
  const schema = parsed.searchParams.get("schema") ?? undefined;
  parsed.searchParams.delete("schema");
  return { url: parsed, schema };
}

/**
 * PrismaPg's own shadow database would be the main one: a connection string wins over the database that it names. This
 * one is created, and dropped when the engine is done with it.
 */
async function adapterFactory() {
  const { PrismaPg } = await import("@prisma/adapter-pg");
  const { default: pg } = await import("pg");
  const { url, schema } = datasource;
  const factory = new PrismaPg({ connectionString: url.href }, { schema });
  const connect = factory.connect.bind(factory);
  factory.connect = async () => withCharacters(await connect());
  factory.connectToShadowDb = async () => {
    const name = `prisma_migrate_shadow_db_${crypto.randomUUID()}`;
    const admin = await factory.connect();
    await admin.executeScript(`CREATE DATABASE "${name}"`);
    const shadowUrl = new URL(url);
    shadowUrl.pathname = `/${name}`;
    const pool = new pg.Pool({ connectionString: shadowUrl.href });
    const shadow = withCharacters(await new PrismaPg(pool, { schema }).connect());
    shadow.dispose = async () => {
      await pool.end();
      await admin.executeScript(`DROP DATABASE "${name}"`);
      await admin.dispose();
    };
    return shadow;
  };
  return factory;
}

/** `cli can-connect-to-database` and `cli create-database`: databases are created by the service itself. */
async function answerCli(command) {
  try {
    if (!["can-connect-to-database", "create-database"].includes(command))
      throw new Error(`unsupported: cli ${command}`);
    const adapter = await (await adapterFactory()).connect();
    await adapter.queryRaw({ sql: "SELECT 1", args: [], argTypes: [] });
    await adapter.dispose();
    log("INFO", "ok");
  } catch (error) {
    log("ERROR", error?.cause?.originalMessage ?? error.message, { is_panic: false, error_code: "P1001", meta: {} });
    process.exit(1);
  }
}

async function serve() {
  let engine = null;
  let pending = null;
  // The CLI takes an engine that ends without an answer for one that found nothing.
  process.once("uncaughtException", (error) => {
    const panic = globalThis.PRISMA_WASM_PANIC_REGISTRY.message;
    refuse(pending, panic === "" ? error : new Error(panic));
    process.exitCode = 1;
  });
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === "") continue;
    const { id, method, params } = JSON.parse(line);
    // Without a method it acknowledges a `print` of ours.
    if (method === undefined) continue;
    pending = id;
    try {
      engine ??= await engineModule.SchemaEngine.new(
        { datamodels: undefined },
        () => {},
        bindMigrationAwareSqlAdapterFactory(await adapterFactory()),
      );
      answer(id, method, await call(engine, method, params));
    } catch (error) {
      refuse(id, error);
    }
    pending = null;
  }
}

function refuse(id, error) {
  const message = String(error?.message ?? error);
  const data = { is_panic: false, message, meta: null, error_code: error?.code ?? null };
  write(JSON.stringify({ jsonrpc: "2.0", id, error: { code: 4466, message, data } }));
}

async function call(engine, method, params) {
  if (method === "ensureConnectionValidity" || method === "createDatabase") return {};
  return engine[method === "getDatabaseVersion" ? "version" : method](params);
}

function answer(id, method, result) {
  // The native engine prints a diff through a notification.
  if (method === "diff" && typeof result?.stdout === "string") {
    write(JSON.stringify({ jsonrpc: "2.0", id: id + 100_000, method: "print", params: { content: result.stdout } }));
  }
  write(JSON.stringify({ jsonrpc: "2.0", id, result: result ?? null }));
}

function log(level, message, extra = {}) {
  const entry = {
    timestamp: new Date().toISOString(),
    level,
    fields: { message, ...extra },
    target: "schema-engine-wasm",
  };
  process.stderr.write(`${JSON.stringify(entry)}\n`);
}
