/**
 * Creates the tables. ClickHouse has no transactions for this: a statement that was run already does nothing, so that an
 * interrupted run can be repeated.
 *
 * @module
 */
import { Effect } from "effect"
import { ClickHouse } from "../ClickHouse.ts"
import type { ClickHouseError } from "../Errors.ts"
import * as Tables from "./Tables.ts"

/** Creates the tables that are missing. */
export const run = (target: Tables.Target): Effect.Effect<void, ClickHouseError, ClickHouse> =>
  ClickHouse.use(({ command }) =>
    Effect.forEach(Tables.create(target), (statement) => command(statement), { discard: true })
  )
