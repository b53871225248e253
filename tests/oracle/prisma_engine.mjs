// Prisma's own schema engine, asked from the tests: one JSON request on stdin, one JSON answer on
// stdout. The engine is its WebAssembly build; `modules` is the folder that holds node_modules.
import { readFileSync, readdirSync, existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const request = JSON.parse(readFileSync(0, "utf-8"));
const packages = join(request.modules, "node_modules");
const from = createRequire(join(packages, "x.cjs"));
const engine = join(packages, "@prisma/schema-engine-wasm");

const glue = await import(pathToFileURL(join(engine, "schema_engine_bg.js")));
const wasm = await WebAssembly.instantiate(readFileSync(join(engine, "schema_engine_bg.wasm")), {
  "./schema_engine_bg.js": glue,
});
glue.__wbg_set_wasm(wasm.instance.exports);
wasm.instance.exports.__wbindgen_start();

const { PrismaPg } = from("@prisma/adapter-pg");
const { bindMigrationAwareSqlAdapterFactory } = from("@prisma/driver-adapter-utils");

// One connection, so that the engine's session lock is held by the session that does the work.
const factory = new PrismaPg({ ...request.connection, max: 1 }, { schema: request.schema });
if (request.whole !== false) {
  // The native engine sends a file as one simple query; the adapter cuts it at every semicolon,
  // also within bodies of functions, and runs each piece in a transaction of its own.
  const connect = factory.connect.bind(factory);
  factory.connect = async () => {
    const adapter = await connect();
    adapter.executeScript = async (script) => {
      try {
        await adapter.underlyingDriver().query(script);
      } catch (error) {
        adapter.onError(error);
      }
    };
    return adapter;
  };
}

function list(folder) {
  const lock = join(folder, "migration_lock.toml");
  const directories = readdirSync(folder, { withFileTypes: true }).filter((e) => e.isDirectory());
  return {
    baseDir: folder,
    lockfile: {
      path: "migration_lock.toml",
      content: existsSync(lock) ? readFileSync(lock, "utf-8") : null,
    },
    shadowDbInitScript: "",
    migrationDirectories: directories.map((e) => ({
      path: e.name,
      migrationFile: {
        path: "migration.sql",
        content: { tag: "ok", value: readFileSync(join(folder, e.name, "migration.sql"), "utf-8") },
      },
    })),
  };
}

const filters = { externalTables: [], externalEnums: [] };
const calls = {
  apply: (e) => e.applyMigrations({ migrationsList: list(request.folder), filters }),
  diagnose: (e) =>
    e.diagnoseMigrationHistory({
      migrationsList: list(request.folder),
      optInToShadowDatabase: false,
      filters,
    }),
  applied: (e) =>
    e.markMigrationApplied({ migrationsList: list(request.folder), migrationName: request.name }),
  rolledBack: (e) => e.markMigrationRolledBack({ migrationName: request.name }),
};

const adapter = bindMigrationAwareSqlAdapterFactory(factory);
let answer;
try {
  const running = await glue.SchemaEngine.new({ datamodels: undefined }, () => {}, adapter);
  answer = { ok: true, version: glue.version(), result: (await calls[request.call](running)) ?? null };
} catch (error) {
  const known = adapter.errorRegistry.consumeError?.(error) ?? null;
  answer = { ok: false, code: error.code ?? null, message: String(error.message ?? error), known };
}
process.stdout.write(JSON.stringify(answer));
process.exit(0);
