/**
 * The walks of requests in `developing.md` name the files that a request runs through.
 */
import { existsSync, readFileSync } from "node:fs"
import { Session } from "node:inspector/promises"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import * as Load from "../../scripts/torture/Load.ts"
import * as Store from "../../scripts/torture/Store.ts"
import * as PostgresWebhooks from "../../src/delivery/postgres/Webhooks.ts"
import { Webhooks } from "../../src/delivery/Webhook.ts"
import { WebsiteConfigId } from "../../src/platform/Id.ts"
import * as PgDatabase from "../../src/platform/postgres/Database.ts"
import { OwnerKeys } from "../../src/sites/access/OwnerKey.ts"
import * as PostgresOwnerKeys from "../../src/sites/access/postgres/OwnerKeys.ts"
import * as InProcessServe from "../support/InProcessServe.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import { receiver } from "../support/Receiver.ts"
import { finishes, says, sse, start } from "../support/TestUpstream.ts"
import { poll } from "../support/Wait.ts"

const root = path.resolve(import.meta.dirname, "../..")

/** The files of `src` in which a function ran since the last call, however often. */
const takeFiles = async (session: Session): Promise<ReadonlySet<string>> => {
  const { result } = await session.post("Profiler.takePreciseCoverage")
  const executed = new Set<string>()
  for (const { functions, url } of result) {
    if (!functions.some(({ ranges }) => ranges[0] !== undefined && ranges[0].count > 0)) continue
    const file = url.startsWith("file:") ? fileURLToPath(url.replace(/\?.*$/, "")) : url.replace(/\?.*$/, "")
    const relative = path.relative(path.join(root, "src"), file)
    if (!relative.startsWith("..") && file.endsWith(".ts")) executed.add(relative)
  }
  return executed
}

/** The files that the walk of a request names, below `src`. A name without a folder is in the folder named before it. */
const namedIn = (guide: string, request: string): ReadonlyArray<string> => {
  const [, walk = ""] = new RegExp(`\\*\\*${request}\\*\\*:\\n\\n((?:\\d\\. .*\\n)+)`).exec(guide) ?? []
  let folder = ""
  return [...walk.matchAll(/`([\w/]+\.ts)`/g)].map(([, name = ""]) => {
    if (name.includes("/")) folder = path.dirname(name)
    return name.includes("/") ? name : `${folder}/${name}`
  })
}

/** Named, but not part of every such request. */
const elsewhere: ReadonlySet<string> = new Set([
  // Only with `REDIS_URL`, and for a traced request.
  "platform/redis/RateLimiter.ts",
  "platform/http/Trace.ts",
  "platform/telemetry/ServiceSpans.ts",
  // Only if the website is not in the cache of `Lookup.ts`.
  "sites/postgres/SiteDirectory.ts",
  "forms/postgres/FormDirectory.ts",
  // Only for a request that is refused.
  "forms/FormCheck.ts",
  "platform/contract/Fault.ts",
  "platform/http/Validation.ts",
  // Only in a conversation that goes on.
  "chat/conversations/History.ts",
  // Only for an instance with a limit of tokens a day.
  "chat/TokenBudget.ts",
  "chat/postgres/ConversationReads.ts",
  // Only if visits are stored, which is seconds after their page views.
  "analytics/reports/postgres/RollupRows.ts",
  "analytics/reports/postgres/Tails.ts",
  // Only for a host's name, not for an IP address.
  "platform/outward/OutwardNames.ts"
])

/** Loops in the background, which a request may wake. They run within some requests, on a busy machine within all of them. */
const isBackground = (request: string, file: string) =>
  /^(?:privacy|delivery|pages)\/|^analytics\/postgres\/Leads/.test(file) ||
  (request === "query"
    ? /^analytics\/reports\/postgres\/(?:RollUpLoop|DayRollUp|OpenDays)/
    : /^analytics\/reports\/(?!LocalTime|postgres\/OpenDays)/
  ).test(file) ||
  // The rounds that store the pieces of answers.
  (request !== "chat" && file === "chat/RunningAnswers.ts") ||
  /^platform\/(?:rounds|text\/(?:Calendar|Memo)|runtime\/Rows|postgres\/(?:Database|Times))/.test(file)

/** Declarations: no function of theirs runs during a request. */
const isDeclaration = (file: string) => file.endsWith("Api.ts") || file.startsWith("platform/contract/")

it.live(
  "a page view, a submission, a chat, a query and a delivery run through the files that the guide names",
  () =>
    Effect.gen(function* () {
      const guide = readFileSync(path.join(root, "src/docs/developing.md"), "utf8")
      const session = new Session()
      session.connect()
      yield* Effect.promise(async () => {
        await session.post("Profiler.enable")
        await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false })
      })
      /** The files that ran until the agent got the visitor's question. */
      let toAgent: ReadonlySet<string> = new Set()
      const upstream = yield* start((_, response) => {
        takeFiles(session).then((files) => {
          toAgent = files
          response.writeHead(200, sse)
          response.end(says("Hello") + finishes("stop"))
        }, response.destroy)
      })
      const database = Redacted.value((yield* TestDatabase.connection).url)
      const target = yield* Store.prepare(database, upstream.url, "edge")
      const secretsKey = Buffer.alloc(32)
      const asOperator = Effect.provide(
        Layer.merge(
          PostgresOwnerKeys.layer,
          PostgresWebhooks.layer({ secretsKey: Option.some(Redacted.make(secretsKey)) })
        ).pipe(Layer.provide(PgDatabase.layer({ url: Redacted.make(database), connections: 1 })))
      )
      const { key } = yield* OwnerKeys.use((keys) =>
        keys.issue({ label: null, scope: "stats", sites: "all", expiresAt: null })
      ).pipe(asOperator, Effect.map(Option.getOrThrow))
      const hook = yield* receiver((_, response) => void response.writeHead(204).end())
      const limit = "1000/minute"
      const service = yield* InProcessServe.start({
        DATABASE_URL: database,
        OWNER_API: "on",
        SECRETS_KEY: secretsKey.toString("hex"),
        WEBHOOK_ALLOW: new URL(hook.url).host,
        RATE_LIMIT_ANALYTICS: limit,
        RATE_LIMIT_FORMS: limit,
        RATE_LIMIT_CHAT: limit
      })
      const post = async (path: string, body: object) => {
        const response = await fetch(service.url + path, {
          method: "POST",
          headers: {
            "content-type": "application/json",
            "user-agent": Load.browser,
            "x-widget-token": target.widgetToken,
            ...(path.startsWith("/v1/owner/") && { authorization: `Bearer ${key}` })
          },
          body: JSON.stringify(body)
        })
        const text = await response.text()
        assert.isBelow(response.status, 300, text)
      }
      let count = 0
      const submit = () =>
        post("/v1/public/forms/submit", {
          site_id: target.websiteConfigId,
          form_data: { message: `Hello ${count++}` }
        })
      const requests = {
        "page view": () => post("/v1/public/analytics/track", { site_id: target.trackingToken, page_path: "/" }),
        submission: submit,
        chat: () => post(`/v1/public/widget/${target.instanceId}/chat`, { message: "Hi" }),
        query: () =>
          post("/v1/owner/query", {
            site_id: target.websiteConfigId,
            metrics: ["visitors", "pageviews"],
            date_range: "7d",
            dimensions: ["visit:source"]
          })
      }
      const maxFiles: Readonly<Record<string, number>> = { "page view": 24, submission: 23, chat: 33, query: 43 }
      /** Of a chat, to the agent and back. */
      const maxEachWay = [25, 21] as const
      /** A walk also goes through the files that an earlier one names. */
      const walked = new Set<string>()
      /** The files that a walk names, of which those of `executed` have run. */
      const checkNamed = (name: string, executed: ReadonlySet<string>) => {
        const named = namedIn(guide, name)
        assert.isAtLeast(named.length, 5, name)
        assert.deepStrictEqual(
          [...named, ...elsewhere].filter((file) => !existsSync(path.join(root, "src", file))),
          [],
          `${name}: files that do not exist`
        )
        assert.deepStrictEqual(
          named.filter((file) => !executed.has(file) && !elsewhere.has(file) && !isDeclaration(file)),
          [],
          `${name}: files that do not run; these do: ${[...executed].sort().join(" ")}`
        )
        return named
      }
      yield* Effect.promise(async () => {
        for (const [name, send] of Object.entries(requests)) {
          // The first is not counted: it fills caches.
          await send()
          const runs: Array<ReadonlySet<string>> = []
          const ways: Array<readonly [to: ReadonlySet<string>, back: ReadonlySet<string>]> = []
          for (let run = 0; run < 10; run++) {
            toAgent = new Set()
            await takeFiles(session)
            await send()
            const files = await takeFiles(session)
            ways.push([toAgent, files])
            runs.push(new Set([...toAgent, ...files]))
          }
          const executed = new Set(runs.flatMap((run) => [...run]))
          for (const file of checkNamed(name, executed)) walked.add(file)
          // A loop in the background does not run each time.
          const inAll = (sets: ReadonlyArray<ReadonlySet<string>>) =>
            [...executed].filter((file) => !isBackground(name, file) && sets.every((files) => files.has(file)))
          const always = inAll(runs)
          assert.deepStrictEqual(
            always.filter((file) => !walked.has(file)),
            [],
            `${name}: files that run and are not named`
          )
          assert.isAtMost(always.length, maxFiles[name] ?? 0, name)
          if (name !== "chat") continue
          for (const [way, max] of maxEachWay.entries()) {
            const files = inAll(ways.map((both) => both[way]!))
            assert.isAtMost(files.length, max, `a chat, ${way === 0 ? "to the agent" : "back"}: ${files.join(" ")}`)
          }
        }
      })
      // The loops that deliver run at other times, too, so they are not expected within one request.
      yield* Webhooks.use((webhooks) =>
        webhooks.create(WebsiteConfigId.make(target.websiteConfigId), {
          url: hook.url,
          events: ["submission.accepted"],
          format: "standard"
        })
      ).pipe(asOperator)
      yield* Effect.promise(() => takeFiles(session))
      const executed = new Set<string>()
      for (let delivery = 1; delivery <= 3; delivery++) {
        yield* Effect.promise(submit)
        yield* poll(
          Effect.sync(() => hook.received),
          ({ length }) => length === delivery
        )
        for (const file of yield* Effect.promise(() => takeFiles(session))) executed.add(file)
      }
      checkNamed("delivery", executed)
    }).pipe(Effect.scoped),
  120_000
)
