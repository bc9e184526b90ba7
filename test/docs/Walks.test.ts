/**
 * The walks of requests in `developing.md` name the files that a request runs through.
 */
import { existsSync, readFileSync } from "node:fs"
import { Session } from "node:inspector/promises"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { assert, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Load from "../../scripts/torture/Load.ts"
import * as Store from "../../scripts/torture/Store.ts"
import * as InProcessServe from "../support/InProcessServe.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import { finishes, says, sse, start } from "../support/TestUpstream.ts"

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
  "chat/postgres/ConversationReads.ts"
])

/** Loops in the background, which a request may wake. They run within some requests, on a busy machine within all of them. */
const isBackground = (request: string, file: string) =>
  /^(?:privacy|delivery|pages)\/|^analytics\/(?:postgres\/Leads|reports\/(?!LocalTime|postgres\/OpenDays))/.test(
    file
  ) ||
  // The rounds that store the pieces of answers.
  (request !== "chat" && file === "chat/RunningAnswers.ts") ||
  /^platform\/(?:rounds|text\/(?:Calendar|Memo)|runtime\/Rows|postgres\/Database)/.test(file)

/** Declarations: no function of theirs runs during a request. */
const isDeclaration = (file: string) => file.endsWith("Api.ts") || file.startsWith("platform/contract/")

it.live(
  "a page view, a submission and a chat run through the files that the guide names",
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
      const limit = "1000/minute"
      const service = yield* InProcessServe.start({
        DATABASE_URL: database,
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
            "x-widget-token": target.widgetToken
          },
          body: JSON.stringify(body)
        })
        const text = await response.text()
        assert.isBelow(response.status, 300, text)
      }
      let count = 0
      const requests = {
        "page view": () => post("/v1/public/analytics/track", { site_id: target.trackingToken, page_path: "/" }),
        submission: () =>
          post("/v1/public/forms/submit", {
            site_id: target.websiteConfigId,
            form_data: { message: `Hello ${count++}` }
          }),
        chat: () => post(`/v1/public/widget/${target.instanceId}/chat`, { message: "Hi" })
      }
      const maxFiles: Readonly<Record<string, number>> = { "page view": 24, submission: 24, chat: 34 }
      /** Of a chat, to the agent and back. */
      const maxEachWay = [26, 21] as const
      /** A walk also goes through the files that an earlier one names. */
      const walked = new Set<string>()
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
          for (const file of named) walked.add(file)
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
    }).pipe(Effect.scoped),
  60_000
)
