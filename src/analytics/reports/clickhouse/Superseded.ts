/**
 * Deletes stored visits that a later rollup run of their day has replaced.
 *
 * @module
 */
import { Effect, Schema } from "effect"
import { ClickHouse } from "../../../platform/clickhouse/ClickHouse.ts"
import { quoted } from "../../../platform/clickhouse/Literal.ts"
import * as Layout from "../../../platform/clickhouse/schema/Layout.ts"
import * as Tables from "../../../platform/clickhouse/schema/Tables.ts"
import * as EarlierTime from "../../../platform/runtime/EarlierTime.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import { hourMillis } from "../../../platform/text/Calendar.ts"
import * as DayRollUp from "./DayRollUp.ts"
import { Parameters } from "./Parameters.ts"
import type { Reader } from "./Reader.ts"

/** How long replaced visits are kept: a running report may still read them. */
export const graceMillis = hourMillis

/** The maximum number of pairs of a day and a rollup run that one statement deletes. */
const maxPairs = 1_000

const Pairs = Schema.Array(
  Schema.Struct({ date: Schema.Int, number: Schema.String.check(Schema.isPattern(/^[0-9]+$/)) })
)

/** Deletes the visits of replaced rollup runs that began more than `olderThan` milliseconds ago. */
export const remove = Effect.fnUntraced(function* (reader: Reader, hostedWebsiteId: string, olderThan = graceMillis) {
  const { command, query } = yield* ClickHouse
  const now = yield* EarlierTime.of(query("SELECT toUnixTimestamp64Milli(now64(3)) AS now"))
  const parameters = new Parameters()
  const site = parameters.uuid(hostedWebsiteId)
  const before = parameters.number(DayRollUp.firstNumberOf(now - olderThan))
  const found = yield* reader
    .read(
      `SELECT DISTINCT toUInt32(day) AS date, toString(roll) AS number FROM (
          SELECT day, roll FROM visit WHERE hosted_website_id = ${site}
          UNION ALL SELECT day, roll FROM visit_day WHERE hosted_website_id = ${site}
        )
        WHERE roll < ${before}
          AND (day, roll) NOT IN (SELECT day, max(roll) FROM visit_day WHERE hosted_website_id = ${site} GROUP BY day)
        LIMIT ${maxPairs}`,
      parameters
    )
    .pipe(decodeRows(Pairs))
  if (found.length === 0) return
  const target = yield* Layout.target
  const pairs = found.map(({ date, number }) => `(${date}, ${number})`).join(", ")
  // The sums first: after an interruption, the pairs are found again in the other tables.
  for (const name of ["visit_sum", "visit", "visit_day"] as const) {
    yield* command(
      // No lightweight deletion: it only hides rows. They would stay on the disk, and a later erasure would not find them.
      `ALTER TABLE ${Tables.localTable(target, name)}${Tables.onCluster(target)}
        DELETE WHERE hosted_website_id = ${quoted(hostedWebsiteId)} AND (toUInt32(day), roll) IN (${pairs})`,
      { settings: { mutations_sync: "1" } }
    )
  }
})
