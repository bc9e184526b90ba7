/**
 * `demo`, which is `npm start`: everything that a newcomer needs to see the service at work, on this machine alone. A
 * PostgreSQL of its own (whatever others the environment names), migrated, with a website, an instance whose agent runs
 * here too, and a token.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { Command } from "effect/cli"
import { HttpServer } from "effect/http"
import * as App from "../App.ts"
import { DemoSettings } from "../Config.ts"
import * as LocalPage from "../core/http/LocalPage.ts"
import * as DemoAgent from "../demo/DemoAgent.ts"
import * as DemoData from "../demo/DemoData.ts"
import * as DemoFeed from "../demo/DemoFeed.ts"
import * as DemoSite from "../demo/DemoSite.ts"
import * as Migrate from "./Migrate.ts"
import * as Serve from "./Serve.ts"
import * as LocalDatabase from "./support/LocalDatabase.ts"
import * as Output from "./support/Output.ts"

/** A browser's name: a view by curl's own is taken for a robot's, and not counted. */
const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"

/** Some shells look for files where brackets are, as in `http://[::1]:8080`. */
const address = (url: string): string => (url.includes("[") ? `'${url}'` : url)

/** A command that can be pasted into any POSIX shell. */
const curl = (demo: DemoData.Demo, path: string, body: unknown, ...flags: ReadonlyArray<string>): string =>
  [
    `curl -i ${flags.join(" ")}${flags.length === 0 ? "" : " "}${address(`${demo.base_url}${path}`)} \\`,
    "  -H 'content-type: application/json' \\",
    `  -d '${JSON.stringify(body)}'`
  ].join("\n")

/** What the demo has in place of what a variable names. */
const owns = { DATABASE_URL: "a database", REDIS_URL: "a rate limiter" }

/** What the text that is printed when all is ready tells besides the demo's ids. */
interface Facts {
  /** The address of the demo's database, and the file that holds its ids. */
  readonly database: string
  readonly file: string
  /** The variables that are set and that the demo leaves alone. */
  readonly unused: ReadonlyArray<keyof typeof owns>
  /** The address on which it listens, as the socket has it. */
  readonly listening: string
}

/** What whoever starts the demo may not expect, each a paragraph. */
const notes = ({ listening, unused }: Facts): string => {
  const left = unused.map((name) => `${name} is set, and the demo does not use it: it has ${owns[name]} of its own.`)
  const open = LocalPage.isLoopback(new URL(listening).hostname)
    ? []
    : [`It listens on ${listening}: whoever can reach that address sees at /demo what arrives at the demo.`]
  return [...left, ...open].map((note) => `\n${note}\n`).join("")
}

/** What is printed when all is ready. Pure. */
export const welcome = (demo: DemoData.Demo, facts: Facts): string => {
  // The commands work on the database of this variable where it is set; empty, it counts as not set.
  const hydracore = `${facts.unused.includes("DATABASE_URL") ? "DATABASE_URL= " : ""}npm run -s hydracore --`
  return `
HydraCore Edge is ready. Open this in a browser and see it at work:

  demo       ${demo.base_url}/demo

  service    ${demo.base_url}
  docs       ${demo.base_url}/docs
  database   ${facts.database}

  website_config_id  ${demo.website_config_id}   (forms)
  tracking_token     ${demo.tracking_token}   (page views)
  instance_id        ${demo.instance_id}   (chat)
  widget_token       ${demo.widget_token}
  All of it is in ${facts.file}.
${notes(facts)}
A page view:

${curl(demo, "/v1/public/analytics/track", { site_id: demo.tracking_token, page_path: "/hello?utm_source=tour" }, `-A '${browser}'`)}

A form submission:

${curl(demo, "/v1/public/forms/submit", { site_id: demo.website_config_id, form_data: { name: "Ada", message: "Hello" }, email: "ada@example.org" })}

A chat message, answered as a stream:

${curl(demo, `/v1/public/widget/${demo.instance_id}/chat`, { message: "What can you do?" }, "-N", `-H 'x-widget-token: ${demo.widget_token}'`)}

See what arrived, in another terminal:

${hydracore} stats --site ${demo.website_config_id}
${hydracore} submissions export --site ${demo.website_config_id}

Ctrl-C ends it. What was sent is kept for the next start.
`
}

export const command = Command.make(
  "demo",
  {},
  Effect.fnUntraced(function* () {
    const { settings, unused } = yield* DemoSettings
    yield* Effect.gen(function* () {
      yield* Serve.tellOfTracing(settings)
      yield* LocalDatabase.makeDataFolder(settings)
      // Never another: what the demo makes, and shows to whoever looks, has no place among real websites.
      const { address, url } = yield* LocalDatabase.start(settings)
      const database = yield* Layer.build(App.database(settings, address))
      yield* Effect.provide(Migrate.migrate(settings), database)
      const agent = yield* DemoAgent.start()
      const feed = yield* DemoFeed.make
      const site = yield* DemoSite.make(feed)
      const live = App.live({ settings, extensions: { pages: site.routes, observers: feed.observers } })
      const service = yield* Layer.build(Layer.provideMerge(live, App.storage(settings))).pipe(
        Effect.provide(database),
        Effect.catchTag("ServeError", ({ cause }) => Effect.fail(Serve.cannotListen(settings, cause)))
      )
      // Before the server waits for its open requests: those who look at the demo would look on.
      yield* Effect.addFinalizer(() => feed.end)
      const server = yield* Effect.provide(HttpServer.HttpServer, service)
      const listening = HttpServer.formatAddress(server.address)
      const { demo, shows } = yield* DemoData.prepare({
        dataDir: settings.dataDir,
        // Whoever listens on all addresses is reached on this one too.
        baseUrl: listening.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:"),
        agentUrl: agent.url
      }).pipe(Effect.provide(service))
      const file = DemoData.demoFile(settings.dataDir)
      yield* LocalDatabase.writePrivate(file, DemoData.encode(demo))
      yield* feed.show(shows)
      yield* site.open(demo)
      yield* Output.write(welcome(demo, { database: url, file, unused, listening }))
      return yield* Effect.never
    }).pipe(Effect.scoped, Effect.provide(App.telemetry(settings, "pretty")))
  })
).pipe(Command.withDescription("Try everything on this machine: a database, a website and an agent of its own"))
