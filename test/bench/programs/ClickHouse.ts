/**
 * ClickHouse behind its HTTP interface: the engine of the tests, with one database that has the service's tables and writes
 * to the disk as they demand. Prints one JSON document with its address as `ANALYTICS_URL`, and runs until it gets SIGTERM.
 *
 * Its processor time includes what Node passes between the network and the engine, which a real server does not need.
 *
 * @module
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import * as HttpServer from "../../support/clickhouse/HttpServer.ts"

HttpServer.make.pipe(
  Effect.flatMap(({ url }) => Console.log(JSON.stringify({ url }))),
  Effect.andThen(Effect.never),
  Effect.scoped,
  NodeRuntime.runMain
)
