/**
 * `kill -9` of the service under load: everything acknowledged is stored after the restart.
 *
 * @module
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import path from "node:path"
import { Effect, Schema, type Scope } from "effect"
import * as Process from "../../../test/support/Process.ts"
import * as ProcessTree from "../../../test/support/ProcessTree.ts"
import * as PreparedCluster from "../../../test/support/postgres/PreparedCluster.ts"
import * as ServerFiles from "../../../test/support/postgres/ServerFiles.ts"
import { until } from "../../../test/support/Wait.ts"
import * as Load from "../Load.ts"
import * as Rows from "../Rows.ts"
import * as Store from "../Store.ts"
import { checkAccount, type Figures } from "./Figures.ts"

export interface Options extends Load.Paced {
  readonly rounds: number
  /** The number of acknowledged requests between two kills. */
  readonly requestsPerKill: number
}

type WithDatabase = Options & { readonly database: Rows.Database }

const clients = 16

/** Kills and restarts a program `options.rounds` times under load. */
const killRepeatedly = Effect.fnUntraced(function* (
  options: Options,
  load: Load.Load,
  kill: (round: number) => Effect.Effect<void>,
  start: Effect.Effect<void, never, Scope.Scope>
) {
  for (let round = 0; round < options.rounds; round++) {
    const before = load.acknowledged()
    yield* until("requests are acknowledged", () => load.acknowledged() >= before + options.requestsPerKill)
    yield* kill(round)
    yield* start
  }
  const before = load.acknowledged()
  yield* until("requests are acknowledged again", () => load.acknowledged() > before)
  yield* load.stop
})

/** Kills `serve`; its PostgreSQL keeps running. */
export const serve = Effect.fnUntraced(function* (options: WithDatabase) {
  const database = yield* options.database
  const target = yield* Store.prepare(database)
  const begin = Process.start("serve", { DATABASE_URL: database })
  let service = yield* begin
  const load = yield* Load.start({ url: () => service.url, target, clients, pace: options.pace })
  yield* killRepeatedly(
    options,
    load,
    () => service.signal("SIGKILL"),
    Effect.gen(function* () {
      service = yield* begin
    })
  )
  return { rounds: options.rounds, ...checkAccount(yield* Rows.account(database, load)) } satisfies Figures
}, Effect.scoped)

const DemoFile = Schema.fromJsonString(
  Schema.Struct({
    website_config_id: Schema.String,
    tracking_token: Schema.String,
    instance_id: Schema.String,
    widget_token: Schema.String
  })
)

/** Kills `demo`. Then its embedded PostgreSQL shuts down or, in every second round, is killed too, as in a power failure. */
export const demo = Effect.fnUntraced(function* (options: Options) {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const made = mkdtempSync(path.join(ServerFiles.folder(), "hydracore-demo-"))
      chmodSync(made, 0o711)
      PreparedCluster.copyTo(path.join(made, "postgres"))
      return made
    }),
    (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
  )
  const begin = Process.start("demo", { HYDRACORE_DATA_DIR: folder })
  let service = yield* begin
  const demoFile = Schema.decodeUnknownSync(DemoFile)(readFileSync(path.join(folder, "demo.json"), "utf8"))
  const load = yield* Load.start({
    url: () => service.url,
    target: {
      trackingToken: demoFile.tracking_token,
      websiteConfigId: demoFile.website_config_id,
      instanceId: demoFile.instance_id,
      widgetToken: demoFile.widget_token
    },
    clients,
    pace: options.pace
  })
  const database = () => /database +(postgresql:\S+)/.exec(service.output())?.[1] ?? ""
  yield* killRepeatedly(
    options,
    load,
    (round) =>
      Effect.gen(function* () {
        const members = ProcessTree.family(service.pid)
        yield* service.signal("SIGKILL")
        if (round % 2 === 0) return
        // Youngest first: otherwise a parent could shut its children down cleanly.
        ProcessTree.signalAll(members.toReversed(), "SIGKILL")
        // On a busy machine a killed server holds its shared memory for a while, and until then no other server starts.
        yield* until("all have ended", () => !members.some(ProcessTree.isAlive))
      }),
    Effect.gen(function* () {
      service = yield* begin
    })
  )
  return { rounds: options.rounds, ...checkAccount(yield* Rows.account(database(), load)) } satisfies Figures
}, Effect.scoped)
