/**
 * `analytics copy`: copies page views, events and conversions from PostgreSQL to ClickHouse. An interrupted copy continues when
 * the command is run again.
 *
 * @module
 */
import { Effect, Layer, Option } from "effect"
import { Command } from "effect/cli"
import * as App from "../../App.ts"
import * as AnalyticsCopy from "../../analytics/postgres/AnalyticsCopy.ts"
import { Settings } from "../../Config.ts"
import * as ClickHouse from "../../platform/clickhouse/ClickHouse.ts"
import * as SiteDirectory from "../../sites/postgres/SiteDirectory.ts"
import { WritableSites } from "../../sites/SiteDirectory.ts"
import * as LocalDatabase from "../support/LocalDatabase.ts"
import * as Output from "../support/Output.ts"

/** Sends a batch to ClickHouse, unless its website is being deleted. */
const send = ({ hostedWebsiteId, id, rows, table }: AnalyticsCopy.Batch) =>
  WritableSites.use(({ during }) =>
    during(new Set([hostedWebsiteId]), (writable) => {
      const [first, ...others] = table.columns.map(([name]) => name)
      if (first === undefined || !writable.has(hostedWebsiteId)) return Effect.void
      return ClickHouse.ClickHouse.use(({ insert }) =>
        insert({ table: table.name, columns: [first, ...others], rows, token: id }).pipe(
          // Bounded, since the erasure of a website waits for `during`.
          ClickHouse.bounded(AnalyticsCopy.timeout)
        )
      )
    })
  )

/** Copies everything that is not copied yet, and returns the numbers of rows by table. */
export const copyAll = Effect.fnUntraced(function* <R>(
  onTable: (name: string, rows: number) => Effect.Effect<void, never, R>
) {
  const websites = yield* AnalyticsCopy.websites
  const counts: Record<string, number> = {}
  for (const table of AnalyticsCopy.tables) {
    let sum = 0
    for (const website of websites) {
      while (true) {
        const copied = yield* AnalyticsCopy.copyNext(table, website, send)
        if (Option.isNone(copied)) break
        sum += copied.value
      }
    }
    counts[table.name] = sum
    yield* onTable(table.name, sum)
  }
  return counts
})

export const command = Command.make(
  "copy",
  {},
  Effect.fnUntraced(function* () {
    const settings = yield* Settings
    const address = LocalDatabase.configured(settings)
    if (Option.isNone(address) || Option.isNone(settings.analyticsUrl)) {
      return yield* new Output.CliFailure({
        message: "Set DATABASE_URL, the source of the copy, and ANALYTICS_URL, its target."
      })
    }
    const counts = yield* copyAll((name, rows) => Output.note(`Copied ${rows} rows of ${name}.`)).pipe(
      Effect.provide(
        Layer.merge(
          SiteDirectory.writableSites({ connections: 1 }),
          ClickHouse.layer({ address: settings.analyticsUrl.value, connections: 1 })
        ).pipe(Layer.provideMerge(App.database(settings, address.value)))
      )
    )
    yield* Output.answer({
      json: { copied: counts },
      text: `Everything is copied: ${Object.entries(counts)
        .map(([name, rows]) => `${rows} ${name}`)
        .join(", ")}.\n`
    })
  })
).pipe(
  Command.withDescription(
    "Copy page views, events and conversions from PostgreSQL to ClickHouse; continues where it was interrupted"
  )
)
