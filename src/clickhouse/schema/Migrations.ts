/**
 * Creates the tables. ClickHouse has no transactions for this, but the statements are idempotent, so that an interrupted run can
 * be repeated.
 *
 * @module
 */
import { Effect, Option, Schema } from "effect"
import { ClickHouse } from "../ClickHouse.ts"
import type { ClickHouseError } from "../Errors.ts"
import * as Layout from "./Layout.ts"
import * as Tables from "./Tables.ts"

/** The tables exist, but not on the named cluster. */
export class OtherLayout extends Schema.TaggedError<OtherLayout>()("OtherLayout", {
  /** Where the tables are, such as `one server`. */
  layout: Schema.String
}) {}

/** Creates the tables that are missing, without checking where the others are. */
export const create = (target: Tables.Target): Effect.Effect<void, ClickHouseError, ClickHouse> =>
  ClickHouse.use(({ command }) =>
    Effect.forEach(Tables.create(target), (statement) => command(statement), { discard: true })
  )

const layoutOf = (target: Tables.Target): string =>
  target._tag === "Server" ? "one server" : `the cluster ${target.cluster}`

/**
 * Creates the missing tables on the named cluster, or, if none is named, where the existing tables are. Returns the names of the
 * missing tables. Fails if the existing tables are not on the named cluster.
 */
export const apply = Effect.fnUntraced(function* (
  cluster: Option.Option<string>
): Effect.fn.Return<ReadonlyArray<string>, ClickHouseError | OtherLayout, ClickHouse> {
  const found = yield* Layout.target
  const missing = yield* Layout.missing
  const named: Tables.Target = Option.match(cluster, {
    onNone: () => found,
    onSome: (name) => ({ _tag: "Cluster", cluster: name })
  })
  const exist = missing.length < Tables.tables.length
  if (exist && layoutOf(named) !== layoutOf(found)) return yield* new OtherLayout({ layout: layoutOf(found) })
  yield* create(named)
  return missing
})
