/**
 * The live stream over HTTP: its events, its limits, and when it ends.
 */
import { assert, layer } from "@effect/vitest"
import { Clock, Effect } from "effect"
import type { LiveChange } from "../../src/activity/OwnerActivityApi.ts"
import { PersonId } from "../../src/platform/Id.ts"
import { ConsoleSessions } from "../../src/sites/access/ConsoleSession.ts"
import { OwnerKeys } from "../../src/sites/access/OwnerKey.ts"
import { People } from "../../src/sites/access/Person.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { SiteErasure } from "../../src/sites/SiteErasure.ts"
import { everySession } from "../support/Lists.ts"
import { fromOwnPage, newCookie, send } from "../support/OwnerRequests.ts"
import { paths, TestServer, onPostgres as testServer } from "../support/TestServer.ts"
import { poll } from "../support/Wait.ts"

const newSite = SiteDirectory.use((sites) => sites.create({ name: "Shop", origins: [] })).pipe(Effect.orDie)

const browser = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0" }

interface Event {
  readonly name: string
  readonly data: LiveChange
}

/** Opens the stream of a website. It is closed with the scope. */
const follow = Effect.fnUntraced(function* (siteId: string, cookie: string) {
  const { url } = yield* TestServer
  const abort = yield* Effect.acquireRelease(
    Effect.sync(() => new AbortController()),
    (controller) => Effect.sync(() => controller.abort())
  )
  const response = yield* Effect.promise(() =>
    fetch(`${url}/v1/owner/sites/${siteId}/live`, {
      headers: { cookie: `hydracore_console=${cookie}`, ...fromOwnPage },
      signal: abort.signal
    })
  )
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ""
  /** The next event, or null at the end. Comments are skipped. */
  const next = Effect.promise(async (): Promise<Event | null> => {
    while (true) {
      const end = text.indexOf("\n\n")
      if (end < 0) {
        const { done, value } = (await reader?.read()) ?? { done: true, value: undefined }
        if (done) return null
        text += value
        continue
      }
      const frame = text.slice(0, end)
      text = text.slice(end + 2)
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(frame) ?? []
      if (name !== undefined && data !== undefined) return { name, data: JSON.parse(data) }
    }
  })
  return { status: response.status, headers: response.headers, next }
})

const view = Effect.fnUntraced(function* (site: Effect.Success<typeof newSite>, page_path: string) {
  const server = yield* TestServer
  const sent = yield* server.send(paths.track, { site_id: site.trackingToken, page_path }, { headers: browser })
  assert.strictEqual(sent.status, 204)
})

// Concurrent, because the tests wait for polls.
layer(testServer(), { concurrent: true, excludeTestServices: true })("live", (it) => {
  it.effect("the stream begins with the latest activities, and continues with new ones of this website only", () =>
    Effect.gen(function* () {
      const [site, other] = [yield* newSite, yield* newSite]
      yield* view(site, "/first")
      const { headers, next, status } = yield* follow(
        site.websiteConfigId,
        yield* newCookie("viewer", [site.websiteConfigId])
      )
      assert.deepStrictEqual([status, headers.get("content-type")], [200, "text/event-stream"])
      const first = yield* next
      assert.deepStrictEqual([first?.name, first?.data.visitors], ["latest", 1])
      const [latest] = first?.data.activity ?? []
      assert.strictEqual(latest?.type === "pageview" ? latest.path : latest, "/first")
      // Nothing that identifies a visitor.
      assert.sameMembers(Object.keys(latest ?? {}), [
        "type",
        "received_at",
        "path",
        "country",
        "device",
        "browser",
        "source"
      ])
      const [visit] = first?.data.visits ?? []
      if (visit === undefined) return assert.fail()
      assert.deepInclude(visit, { page: "/first", pageviews: 1, browser: "Firefox" })
      assert.sameMembers(Object.keys(visit), [
        "key",
        "started_at",
        "page",
        "pageviews",
        "source",
        "country",
        "device",
        "browser"
      ])
      yield* view(other, "/elsewhere")
      yield* view(site, "/second")
      const second = yield* next
      assert.strictEqual(second?.name, "change")
      // The same visit, two pages later.
      assert.deepStrictEqual(second?.data.visits, [{ ...visit, page: "/second", pageviews: 2 }])
      assert.deepStrictEqual(
        second?.data.activity.map((activity) => (activity.type === "pageview" ? activity.path : activity)),
        ["/second"]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("the stream ends when the session is revoked, and when the website is deleted", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      const cookie = yield* newCookie("owner", [site.websiteConfigId])
      const all = yield* newCookie("owner", "all")
      const [mine, everywhere] = [yield* follow(site.websiteConfigId, cookie), yield* follow(site.websiteConfigId, all)]
      for (const { next } of [mine, everywhere]) assert.strictEqual((yield* next)?.name, "latest")
      const sessions = yield* ConsoleSessions.use(({ list }) => list(everySession))
      const ownSession = sessions.find(({ roles }) => roles.some(({ sites }) => sites.includes(site.websiteConfigId)))
      assert.isDefined(ownSession)
      yield* ConsoleSessions.use(({ revoke }) => revoke(ownSession.session_id))
      assert.isNull(yield* mine.next)
      yield* SiteErasure.use(({ erase }) => erase(site.websiteConfigId))
      assert.isNull(yield* everywhere.next)
    }).pipe(Effect.scoped)
  )

  it.effect("the stream ends when a person loses the role for the website, and keeps the one for another", () =>
    Effect.gen(function* () {
      const [site, other] = [yield* newSite, yield* newSite]
      const request = {
        role: "viewer",
        sites: [site.websiteConfigId, other.websiteConfigId],
        label: "Ada",
        email: "ada@live.example",
        linkExpiresAt: (yield* Clock.currentTimeMillis) + 60_000
      } as const
      const { cookie, session } = yield* ConsoleSessions.use((sessions) =>
        sessions.createLink(request).pipe(
          Effect.flatMap(Effect.fromOption),
          Effect.flatMap(({ link }) => sessions.open(link)),
          Effect.flatMap(Effect.fromOption)
        )
      ).pipe(Effect.orDie)
      const person = PersonId.make(session.person?.person_id ?? "")
      const lost = yield* follow(site.websiteConfigId, cookie)
      assert.strictEqual((yield* lost.next)?.name, "latest")
      yield* People.use((people) => people.remove(person, site.websiteConfigId, { callerSites: "all" })).pipe(
        Effect.orDie
      )
      assert.isNull(yield* lost.next)
      assert.strictEqual((yield* follow(other.websiteConfigId, cookie)).status, 200)
    }).pipe(Effect.scoped)
  )

  it.effect(
    "a session for another website and a key with the scope stats get a 404, and a request without credentials gets a 401",
    () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const [site, other] = [yield* newSite, yield* newSite]
        const key = yield* OwnerKeys.use((keys) =>
          keys.issue({ scope: "stats", sites: [site.websiteConfigId], label: null, expiresAt: null })
        ).pipe(Effect.flatMap(Effect.fromOption), Effect.orDie)
        const cookie = yield* newCookie("owner", [other.websiteConfigId])
        const path = `/v1/owner/sites/${site.websiteConfigId}/live`
        for (const caller of [{ key: key.key }, { cookie }]) {
          assert.strictEqual((yield* send(url, path, caller)).status, 404)
        }
        assert.strictEqual((yield* send(url, path)).status, 401)
      })
  )

  it.effect("a session has at most four streams at once, and another can begin when one ends", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      const cookie = yield* newCookie("viewer", [site.websiteConfigId])
      const open = follow(site.websiteConfigId, cookie)
      for (let stream = 0; stream < 3; stream++) assert.strictEqual((yield* open).status, 200)
      yield* Effect.scoped(
        Effect.gen(function* () {
          assert.strictEqual((yield* open).status, 200)
          assert.strictEqual((yield* open).status, 429)
        })
      )
      yield* poll(Effect.scoped(open), ({ status }) => status === 200)
    }).pipe(Effect.scoped)
  )
})
