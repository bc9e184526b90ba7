/**
 * `report rebuild`: rebuilds what the store precomputes for the reports of websites: rollups in PostgreSQL, the visits of
 * past days in ClickHouse.
 *
 * @module
 */
import { Effect } from "effect"
import { Command } from "effect/cli"
import * as Client from "../client/Client.ts"
import * as Websites from "../client/Websites.ts"
import * as Operator from "../operator/Operator.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"

const rebuild = Command.make(
  "rebuild",
  { site: Inputs.optional(Inputs.site) },
  Effect.fnUntraced(function* ({ site }) {
    const site_id = yield* Websites.idOrNull(site)
    const facts = site_id === null ? {} : { notFound: Output.notFound("website", site_id) }
    const rebuilt = yield* Client.operator(Operator.reports, facts, (reports) => reports.rebuild(site_id))
    const count = rebuilt.rebuilt.length
    yield* Output.answer({
      json: rebuilt,
      text: `The rollups of ${count} website${count === 1 ? "" : "s"} are rebuilt.\n`
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

export const command = Client.command("report", "Precomputed statistics", rebuild)
