/**
 * The two storages of the service, so that a suite of its endpoints passes on both.
 *
 * @module
 */
import { ConfigProvider, Effect, Layer } from "effect"
import * as App from "../../src/App.ts"
import { Settings } from "../../src/Config.ts"
import * as TestDatabase from "./postgres/TestDatabase.ts"

/** What a storage provides. */
export type Storage = Layer.Success<typeof App.memoryStorage>

/** PostgreSQL, on a fresh database for each build of the layer. */
const postgres: Layer.Layer<Storage> = Layer.unwrap(
  Settings.pipe(
    Effect.provideService(
      ConfigProvider.ConfigProvider,
      ConfigProvider.fromUnknown({ DATABASE_TIMEOUT: "30 seconds" })
    ),
    Effect.map(App.storage)
  )
).pipe(Layer.provide(TestDatabase.layer), Layer.orDie)

export const storages: ReadonlyArray<readonly [name: string, storage: Layer.Layer<Storage>]> = [
  ["in memory", App.memoryStorage],
  ["on PostgreSQL", postgres]
]
