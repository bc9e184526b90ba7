/**
 * A ClickHouse server for the benchmarks: the HTTP interface and the engine of the tests, with one database that has the
 * service's tables. Inserts are synced to disk, as the tables require. Prints one JSON document, whose `url` is the value for
 * `ANALYTICS_URL`, and runs until it gets SIGTERM.
 *
 * Its processor time includes the time in which Node passes data between the network and the engine. A real server does not
 * need that time.
 *
 * @module
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import * as HttpServer from "../../../test/support/clickhouse/HttpServer.ts"

HttpServer.make.pipe(
  Effect.flatMap(({ url }) => Console.log(JSON.stringify({ url }))),
  Effect.andThen(Effect.never),
  Effect.scoped,
  NodeRuntime.runMain
)
