/**
 * `analytics export`: a website's page views and events as rows. An export is streamed, so memory use does not depend on its
 * size.
 *
 * @module
 */
import { Clock, Effect, type Layer } from "effect"
import { Command, Flag } from "effect/cli"
import * as Client from "../client/Client.ts"
import * as Connection from "../client/Connection.ts"
import * as Websites from "../client/Websites.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"
import * as AnalyticsCopy from "./AnalyticsCopy.ts"

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
    const site_id = yield* Websites.idOf(site)
    yield* Output.writeExport(
      Client.textOf(
        Client.owner("data", { notFound: Output.notFound("website", site_id) }, (data) =>
          data.exportAnalytics({
            params: { site_id },
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

/** The command. The client is built only when `analytics export` runs. */
export const command = <E, R>(client: Layer.Layer<Client.Client, E, R>) =>
  Command.make("analytics").pipe(
    Command.withDescription("Page views and events"),
    Command.withSubcommands([
      exportCommand.pipe(Command.provide(client)),
      AnalyticsCopy.command.pipe(Command.provideEffectDiscard(Connection.requireLocal))
    ])
  )
