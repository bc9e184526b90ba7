/**
 * Creates the tables. ClickHouse has no transactions for this, but the statements are idempotent, so an interrupted run can be
 * repeated.
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
 * tables that were missing. Fails if the existing tables are not on the named cluster.
 */
export const apply = Effect.fnUntraced(function* (
  cluster: Option.Option<string>
): Effect.fn.Return<ReadonlyArray<string>, ClickHouseError | OtherLayout, ClickHouse> {
  const current = yield* Layout.target
  const missing = yield* Layout.missing
  const target: Tables.Target = Option.match(cluster, {
    onNone: () => current,
    onSome: (name) => ({ _tag: "Cluster", cluster: name })
  })
  const anyExists = missing.length < Tables.tables.length
  if (anyExists && layoutOf(target) !== layoutOf(current)) {
    return yield* new OtherLayout({ layout: layoutOf(current) })
  }
  yield* create(target)
  return missing
})
