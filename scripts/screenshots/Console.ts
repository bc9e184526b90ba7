/**
 * Pictures of all that needs no demo: the console, websites' forms, mails, the start page and the guides. They show a service
 * that this module starts.
 *
 * @module
 */
import { Effect, Layer, Option, Redacted, Stream } from "effect"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import { AgentRefused } from "../../src/chat/AgentStream.ts"
import * as Mailer from "../../src/delivery/mail/Mailer.ts"
import * as Postgres from "../../test/support/postgres/globalSetup.ts"
import * as TestDatabase from "../../test/support/postgres/TestDatabase.ts"
import { TestServer, onPostgres as testServer } from "../../test/support/TestServer.ts"
import * as ConsoleData from "./ConsoleData.ts"
import * as ConsoleDialogs from "./ConsoleDialogs.ts"
import * as ConsolePages from "./ConsolePages.ts"
import * as ConsoleStates from "./ConsoleStates.ts"
import * as ConsoleView from "./ConsoleView.ts"
import * as Mails from "./Mails.ts"
import type { Take } from "./Take.ts"
import * as Website from "./Website.ts"

/** The agent of the instance "Concierge" refuses; the agents of other instances answer. */
const agent: ScriptedAgent.Script = ({ instance }) =>
  instance.name === "Concierge"
    ? Stream.fail(new AgentRefused({ reason: "it answered 401", status: 401 }))
    : ScriptedAgent.texts([
        "I know our tours, prices and what to pack. Ask me when we leave, whether a tour suits children, ",
        "or what the weather on the fjord is like.\n\nFor a booking I need the day and the number of people."
      ])

const secretsKey = Redacted.make<Uint8Array>(new Uint8Array(32))

/** A service on a PostgreSQL of its own that discards its mails. */
const server = testServer(
  { secretsKey: Option.some(secretsKey) },
  agent,
  undefined,
  Option.some({
    mailer: Mailer.makeMemory([]),
    sender: {
      from: { name: "HydraCore", address: "console@edge.example" },
      publicUrl: "https://edge.example",
      consoleUrl: "https://edge.example/console",
      secretsKey
    }
  })
).pipe(Layer.provide(Layer.effect(TestDatabase.Server, Postgres.server)))

export const takeAll = (take: Take): Promise<void> =>
  Effect.gen(function* () {
    const { url } = yield* TestServer
    const view = ConsoleView.make(take, url, yield* ConsoleData.prepare)
    for (const [name, colorScheme, file] of [
      ["readme", "light", "console"],
      ["readme-dark", "dark", "console-dark"]
    ] as const) {
      const options = { viewport: { width: 1280, height: 880 }, colorScheme }
      yield* view.picture(name, view.busy("overview"), options, {
        // The overview of a website without a problem.
        before: async (page) => {
          await page.route(/\/health/, (route) => route.fulfill({ json: { problems: [] } }))
        },
        action: (page) => take.captureWebp(page, file)
      })
    }
    yield* Website.takeAll(take)
    yield* Mails.takeAll(take, view.sites.busy)
    yield* ConsolePages.takeAll(view)
    yield* ConsoleDialogs.takeAll(view)
    yield* ConsoleStates.takeAll(view)
  }).pipe(Effect.provide(server), Effect.runPromise)
