/**
 * `health`: what is wrong with websites. `doctor` checks what the service itself depends on.
 *
 * @module
 */
import { Effect, type Layer } from "effect"
import { Command } from "effect/cli"
import type { Problem } from "../../health/Problem.ts"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import * as Client from "../client/Client.ts"
import * as Pages from "../client/Pages.ts"
import * as Websites from "../client/Websites.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"

interface CheckedWebsite {
  readonly site_id: WebsiteConfigId
  readonly name: string
  readonly problems: ReadonlyArray<Problem>
}

const howOften = ({ count, kind, last_at, reason, since }: Problem): string =>
  kind === "tag_silent"
    ? `for ${count} days, since ${Output.time(since)}`
    : `${count} times since ${Output.time(since)}, last at ${Output.time(last_at)}${reason === null ? "" : `: ${reason}`}`

const textOf = ({ name, problems }: CheckedWebsite): string =>
  [
    name,
    ...problems.flatMap((problem) => [
      `  ${problem.title} (${problem.kind})`,
      `    ${howOften(problem)}`,
      `    ${problem.next_step}`
    ])
  ]
    .map((line) => `${TerminalText.printable(line)}\n`)
    .join("")

const ofOne = ({ name, site_id }: Pick<CheckedWebsite, "name" | "site_id">) =>
  Websites.request("health", site_id, (client, params) =>
    Effect.map(client.health({ params }), ({ problems }): CheckedWebsite => ({ site_id, name, problems }))
  )

/** All websites; for people only those with problems. */
const ofAll = Effect.gen(function* () {
  const only = (yield* Output.Json) ? {} : ({ with_problems: "true" } as const)
  const { sites } = yield* Client.owner("health", {}, (client) =>
    Pages.all("sites", (query: Pages.PageQuery) => client.healthOfSites({ query: { ...query, ...only } }))
  )
  return sites
})

const health = Command.make(
  "health",
  { site: Inputs.optional(Inputs.site) },
  Effect.fnUntraced(function* ({ site }) {
    const websites = site === null ? yield* ofAll : [yield* ofOne(yield* Websites.find(site))]
    const wrong = websites.filter(({ problems }) => problems.length > 0)
    const count = wrong.reduce((sum, { problems }) => sum + problems.length, 0)
    yield* Output.answer({
      json: { well: count === 0, websites },
      text: count === 0 ? "Nothing is wrong.\n" : wrong.map(textOf).join("\n")
    })
    if (count > 0) {
      return yield* new Output.CliFailure({ message: `${count === 1 ? "One problem" : `${count} problems`} found.` })
    }
  })
).pipe(
  Command.withDescription(
    "Show what is wrong with a website, or with all: agents, webhooks and mails that fail, refused origins, a silent tag. The exit code is 1 if there is a problem. `hydracore doctor` checks the service itself"
  ),
  Command.withShortDescription("Show what is wrong with websites"),
  Command.withExamples([
    { command: "hydracore health --site Shop", description: "Each problem with its next step" },
    { command: "hydracore health --json", description: "All websites, for a program" }
  ])
)

/** The command. The client is built only when the command runs. */
export const command = <E, R>(client: Layer.Layer<Client.Client, E, R>) => Command.provide(health, client)
