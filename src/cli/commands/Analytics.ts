/**
 * `analytics export`: a website's page views and events as rows. An export is streamed, so memory use does not depend on its
 * size. `analytics copy`: copies page views, events and conversions from PostgreSQL to ClickHouse.
 *
 * @module
 */
import { Clock, Effect, Layer, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as App from "../../App.ts"
import * as AnalyticsCopy from "../../analytics/postgres/AnalyticsCopy.ts"
import { Settings } from "../../Config.ts"
import * as ClickHouse from "../../platform/clickhouse/ClickHouse.ts"
import * as SiteDirectory from "../../sites/postgres/SiteDirectory.ts"
import { WritableSites } from "../../sites/SiteDirectory.ts"
import * as Client from "../client/Client.ts"
import * as Connection from "../client/Connection.ts"
import * as Websites from "../client/Websites.ts"
import * as Inputs from "../support/Inputs.ts"
import * as LocalDatabase from "../support/LocalDatabase.ts"
import * as Output from "../support/Output.ts"

const exportCommand = Command.make(
  "export",
  {
    site: Inputs.site,
    from: Inputs.time("from", "Only rows from this time on, such as 90d, 12h, 2026-01-31 or 2026-01-31T08:00:00Z"),
    to: Inputs.time("to", "Only rows before this time, which is given as in --from; a date means its midnight in UTC"),
    format: Flag.Literals("format", ["ndjson", "csv"]).pipe(
      Flag.withDescription(
        "One JSON object per line, or CSV with properties as JSON in one column; ndjson unless given"
      ),
      Flag.withDefault("ndjson")
    )
  },
  Effect.fnUntraced(function* ({ format, site, ...times }) {
    const now = yield* Clock.currentTimeMillis
    const from = yield* Inputs.readSince("from", times.from, now)
    const to = yield* Inputs.readSince("to", times.to, now)
    if (from !== null && to !== null && from >= to) return yield* Inputs.wrong("from", "before --to")
    if ((yield* Output.Json) && format === "csv") return yield* Output.jsonOrCsv
    yield* Output.writeExport(
      Client.textOf(
        Websites.request("data", site, (data, params) =>
          data.exportAnalytics({
            params,
            query: { format, ...(from !== null && { from }), ...(to !== null && { to }) }
          })
        )
      )
    )
  })
).pipe(
  Command.withDescription("Write a website's counted page views and then its events to stdout, each oldest first"),
  Command.withExamples([
    {
      command:
        "hydracore analytics export --site 0f8fad5b-d9cb-469f-a165-70867728950e --from 2026-11-01 --to 2026-12-01 --format csv",
      description: "The rows of November, for a spreadsheet or another tool"
    }
  ])
)

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

/** Copies everything that is not copied yet, and returns the numbers of rows by table. After an interruption, it continues. */
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

const copy = Command.make(
  "copy",
  {},
  Effect.fnUntraced(function* () {
    const settings = yield* Settings
    const address = LocalDatabase.configured(settings)
    if (Option.isNone(address) || Option.isNone(settings.analyticsUrl)) {
      const missing = [
        ...(Option.isNone(address) ? ["DATABASE_URL, the source of the copy"] : []),
        ...(Option.isNone(settings.analyticsUrl) ? ["ANALYTICS_URL, the target of the copy"] : [])
      ]
      return yield* new Output.CliFailure({
        message: `${missing.length === 1 ? "A setting is" : "Settings are"} missing: set ${missing.join(", and ")}.`
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

/** The command. The client is built only when `analytics export` runs. */
export const command = <E, R>(client: Layer.Layer<Client.Client, E, R>) =>
  Command.make("analytics").pipe(
    Command.withDescription("Page views and events"),
    Command.withSubcommands([
      exportCommand.pipe(Command.provide(client)),
      copy.pipe(Command.provideEffectDiscard(Connection.requireLocal))
    ])
  )
