/**
 * `report rebuild`: rebuilds what the store precomputes for the reports of websites: rollups in PostgreSQL, the visits of
 * past days in ClickHouse.
 *
 * @module
 */
import { Effect, type Layer, Option } from "effect"
import { Command } from "effect/cli"
import { Reports } from "../../analytics/reports/Reports.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"

const rebuild = Command.make(
  "rebuild",
  { websiteConfigId: Inputs.optional(Inputs.site) },
  Effect.fnUntraced(function* ({ websiteConfigId }) {
    const directory = yield* SiteDirectory
    const reports = yield* Reports
    const sites =
      websiteConfigId === null
        ? yield* directory.list
        : Option.toArray(yield* directory.byWebsiteConfigId(websiteConfigId))
    if (websiteConfigId !== null && sites.length === 0) return yield* Output.notFound("website", websiteConfigId)
    yield* Effect.forEach(sites, (site) => reports.rebuild(site), { discard: true })
    yield* Output.answer({
      json: { rebuilt: sites.map((site) => site.websiteConfigId) },
      text: `The rollups of ${sites.length} website${sites.length === 1 ? "" : "s"} are rebuilt.\n`
    })
  })
).pipe(
  Command.withDescription(
    "Rebuild the rollups of a website, or of all, for example after page views were changed while triggers were off"
  ),
  Command.withExamples([
    { command: "hydracore report rebuild", description: "Every website; running processes use the new rollups at once" }
  ])
)

/** The command. `storage` is built only when a subcommand runs. */
export const command = <E, R>(storage: Layer.Layer<SiteDirectory | Reports, E, R>) =>
  Command.make("report").pipe(
    Command.withDescription("Precomputed statistics"),
    Command.withSubcommands([rebuild.pipe(Command.provide(storage))])
  )
