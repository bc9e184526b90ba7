/**
 * `analytics export`: a website's page views and events as rows. An export is streamed, so memory use does not depend on its
 * size.
 *
 * @module
 */
import { Clock, Effect, type Layer, Option, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { AnalyticsExport } from "../../analytics/AnalyticsExport.ts"
import * as Rows from "../../analytics/ExportRow.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"
import * as AnalyticsCopy from "./AnalyticsCopy.ts"

/** The rows per write: fewer would take more system calls. */
const batch = 256

const expected = "a time such as 90d, 12h, 2026-01-31 or 2026-01-31T08:00:00Z"

const exportCommand = Command.make(
  "export",
  {
    websiteConfigId: Inputs.site,
    from: Inputs.time("from", "Only rows from this time on, such as 90d, 12h, 2026-01-31 or 2026-01-31T08:00:00Z"),
    to: Inputs.time("to", "Only rows before this time, which is given as in --from; a date means its midnight in UTC"),
    format: Flag.Literals("format", ["ndjson", "csv"]).pipe(
      Flag.withDescription(
        "One JSON object per line, or CSV with properties as JSON in one column; ndjson unless given"
      ),
      Flag.withDefault("ndjson")
    )
  },
  Effect.fnUntraced(function* ({ format, from, to, websiteConfigId }) {
    const directory = yield* SiteDirectory
    const { rows } = yield* AnalyticsExport
    const json = yield* Output.Json
    const now = yield* Clock.currentTimeMillis
    const parse = (text: string) => Calendar.parseSince(text, now)
    const since = yield* Inputs.readTime("from", expected, from, parse)
    const until = yield* Inputs.readTime("to", expected, to, parse)
    if (since !== null && until !== null && since >= until) return yield* Inputs.wrong("from", "before --to")
    if (json && format === "csv") {
      return yield* new Output.CliFailure({ message: "The flags --json and --format csv cannot be combined." })
    }
    const site = yield* directory.byWebsiteConfigId(websiteConfigId)
    if (Option.isNone(site)) return yield* Output.notFound("website", websiteConfigId)
    const { hostedWebsiteId } = site.value
    // Without the flags: all rows from 1970 on, up to the last year that PostgreSQL and `Date` print with four digits.
    const selected = rows({ hostedWebsiteId, from: since ?? 0, to: until ?? Date.UTC(9999, 0) })
    const texts = json
      ? Output.jsonArray(Stream.map(selected, Rows.json))
      : format === "csv"
        ? Stream.concat(Stream.succeed(Rows.csvHeader), Stream.map(selected, Rows.csv))
        : Stream.map(selected, Rows.ndjson)
    yield* Output.writeAll(
      texts.pipe(
        Stream.grouped(batch),
        Stream.map((group) => group.join(""))
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

/** The command. `storage` is built only when `analytics export` runs. */
export const command = <E, R>(storage: Layer.Layer<SiteDirectory | AnalyticsExport, E, R>) =>
  Command.make("analytics").pipe(
    Command.withDescription("Page views and events"),
    Command.withSubcommands([exportCommand.pipe(Command.provide(storage)), AnalyticsCopy.command])
  )
