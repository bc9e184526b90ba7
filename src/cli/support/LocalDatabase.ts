/**
 * The database that a command uses: that of `DATABASE_URL`, or the demo's in the data folder, which is started if it does not
 * run.
 *
 * @module
 */
import { randomBytes } from "node:crypto"
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import path from "node:path"
import { Effect, Layer, Option, Redacted, Schema } from "effect"
import * as App from "../../App.ts"
import type { Settings } from "../../Config.ts"
import * as DataFolder from "../../platform/postgres/embedded/DataFolder.ts"
import * as EmbeddedCluster from "../../platform/postgres/embedded/EmbeddedCluster.ts"
import * as Sealing from "../../platform/secrets/Sealing.ts"
import { startDemo } from "../../platform/text/CommandName.ts"
import * as SystemErrorCode from "../../platform/text/SystemErrorCode.ts"
import { CliFailure } from "./Output.ts"

/** The folder of the embedded cluster. */
const clusterFolder = (settings: Settings): string => path.join(settings.dataDir, "postgres")

/** The file with the address of the running cluster, for other commands. */
const addressFile = (settings: Settings): string => path.join(settings.dataDir, "database.json")

const Address = Schema.fromJsonString(
  Schema.Struct({ path: Schema.String, username: Schema.String, database: Schema.String })
)

/** Runs `write`, with an error that says what to do if the data folder is not writable. */
const inDataFolder = (file: string, write: () => void): Effect.Effect<void, CliFailure> =>
  Effect.try({
    try: write,
    catch: (error) =>
      new CliFailure({
        message: `Cannot write ${file}${SystemErrorCode.suffix(error)}; set HYDRACORE_DATA_DIR to a folder that you own.`
      })
  })

const readKey = (file: string): Effect.Effect<string, CliFailure> =>
  Effect.try({
    try: () => readFileSync(file, "utf8"),
    catch: (error) =>
      new CliFailure({
        message: `Cannot read ${file}${SystemErrorCode.suffix(error)}; run the command as the user who owns that file.`
      })
  })

/** Creates the data folder if it does not exist. */
export const makeDataFolder = ({ dataDir }: Settings): Effect.Effect<void, CliFailure> =>
  inDataFolder(dataDir, () => DataFolder.makeFolder(dataDir))

/** Writes a file atomically, readable by its owner only. */
export const writePrivate = (file: string, text: string): Effect.Effect<void, CliFailure> =>
  inDataFolder(file, () => {
    const draft = `${file}.${process.pid}.new`
    writeFileSync(draft, text, { mode: 0o600 })
    chmodSync(draft, 0o600)
    renameSync(draft, file)
  })

/** The address in `DATABASE_URL`. */
export const configured = (settings: Settings): Option.Option<App.DatabaseAddress> =>
  Option.map(settings.databaseUrl, (url) => ({ url }))

/**
 * The settings with the key that encrypts secrets: `SECRETS_KEY` or, for the embedded cluster, a key that is generated once
 * and kept in the data folder. The database of `DATABASE_URL` has no key without `SECRETS_KEY`.
 */
export const withSecretsKey = Effect.fnUntraced(function* (settings: Settings) {
  if (Option.isSome(settings.secretsKey) || Option.isSome(settings.databaseUrl)) return settings
  if (!existsSync(settings.dataDir)) return settings
  const file = path.join(settings.dataDir, "secrets.key")
  if (!existsSync(file)) yield* writePrivate(file, `${randomBytes(Sealing.keyBytes).toString("hex")}\n`)
  const key = Sealing.parseKey((yield* readKey(file)).trim())
  return { ...settings, secretsKey: Option.map(key, (bytes) => Redacted.make(bytes)) }
})

/** Starts the embedded cluster and returns its address. The cluster stops when the scope closes. */
export const start = Effect.fnUntraced(function* (settings: Settings) {
  const cluster = yield* EmbeddedCluster.start({ dataDir: clusterFolder(settings) })
  const address = { path: cluster.path, username: cluster.username, database: cluster.database }
  yield* writePrivate(addressFile(settings), `${JSON.stringify(address)}\n`)
  return { address, url: cluster.url }
})

/** The address of a cluster that another hydracore process runs. Fails with `inUse` if that address cannot be read. */
const running = (settings: Settings, inUse: EmbeddedCluster.EmbeddedClusterError) =>
  Effect.try({
    try: () => readFileSync(addressFile(settings), "utf8"),
    catch: () => inUse
  }).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Address)),
    Effect.catchTag("SchemaError", () => Effect.fail(inUse))
  )

/** The address of the database that a command uses. */
export const find = Effect.fnUntraced(function* (settings: Settings) {
  const address = configured(settings)
  if (Option.isSome(address)) return address.value
  if (!existsSync(clusterFolder(settings))) {
    return yield* new CliFailure({
      message: `DATABASE_URL is not set, and there is no demo in ${settings.dataDir}; set it, or run \`${startDemo}\` first.`
    })
  }
  return yield* start(settings).pipe(
    Effect.map(({ address }): App.DatabaseAddress => address),
    Effect.catchTag("EmbeddedClusterError", (error) =>
      error.reason === "InUse" ? running(settings, error) : Effect.fail(error)
    )
  )
})

/** The connection pool of the database that a command uses. */
export const layer = (settings: Settings) =>
  Layer.unwrap(Effect.map(find(settings), (address) => App.database(settings, address)))
