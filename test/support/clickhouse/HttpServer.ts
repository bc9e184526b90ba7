/**
 * ClickHouse's HTTP interface with the tables of one server, and the production client of it.
 *
 * @module
 */
import { Context, Effect, Layer, Redacted } from "effect"
import type { ClickHouse } from "../../../src/platform/clickhouse/ClickHouse.ts"
import * as Client from "../../../src/platform/clickhouse/ClickHouse.ts"
import * as HttpInterface from "./HttpInterface.ts"
import * as TestClickHouse from "./TestClickHouse.ts"

/** Serves a new database with the tables. Stops with the scope. */
export const make = Effect.gen(function* () {
  const served = yield* HttpInterface.make
  yield* Effect.provideService(
    TestClickHouse.createTables(served.address.database),
    Client.ClickHouse,
    Client.make(served.client)
  )
  return { ...served, address: Redacted.make(served.address) }
})

export type HttpServer = Effect.Success<typeof make>

/** A server that the tests of a file share: to create its tables takes as long as several tests. */
export class Shared extends Context.Service<Shared, HttpServer>()("hydracore/test/HttpServer/Shared") {}

export const shared = Layer.effect(Shared, make)

/** The production client, connected to a server. */
export const clientOf = ({ address }: HttpServer): Layer.Layer<ClickHouse> => Client.layer({ address, connections: 4 })
