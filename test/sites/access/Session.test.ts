/**
 * The sessions of the console: how a link opens one, which requests its cookie authenticates, and how it ends.
 */
import { randomBytes } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Layer, Option } from "effect"
import { StorageUnavailable } from "../../../src/platform/Storage.ts"
import { ConsoleSessions, cookieSyntax, limits, linkSyntax } from "../../../src/sites/access/ConsoleSession.ts"
import { OwnerKeys } from "../../../src/sites/access/OwnerKey.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { SiteErasure } from "../../../src/sites/SiteErasure.ts"
import { fromOwnPage, newCookie, newLink, send } from "../../support/OwnerRequests.ts"
import { TestServer, onPostgres as testServer } from "../../support/TestServer.ts"
import { poll } from "../../support/Wait.ts"

const path = "/v1/owner/session"
const sites = "/v1/owner/sites"

/** Exchanges the secret of a link, as the console's page does. */
const open = (url: string, secret: unknown, headers: Record<string, string> = { origin: url, ...fromOwnPage }) =>
  send(url, path, { body: { secret }, init: { headers } })

/** Reads a link without opening it, as the console's page does. */
const read = (url: string, secret: unknown, headers: Record<string, string> = fromOwnPage) =>
  send(url, `${path}/link`, { body: { secret }, init: { headers } })

/** The value and the attributes of the cookie that a response sets. */
const cookieOf = (headers: Headers) => {
  const [pair = "", ...attributes] = (headers.get("set-cookie") ?? "").split("; ")
  const [name, value = ""] = pair.split("=")
  return { name, value, attributes: attributes.toSorted() }
}

layer(testServer(), { excludeTestServices: true })("the console's sessions", (it) => {
  it.effect("a link opens only one session, and the cookie authenticates until that session is closed", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { link } = yield* newLink("viewer", "all")
      const before = yield* Clock.currentTimeMillis
      const opened = yield* open(url, link)
      assert.deepStrictEqual([opened.status, opened.text], [204, ""])
      assert.strictEqual(opened.headers.get("cache-control"), "no-store")
      const { attributes, name, value } = cookieOf(opened.headers)
      assert.strictEqual(name, "hydracore_console")
      assert.isTrue(cookieSyntax.isWellFormed(value))
      assert.deepStrictEqual(attributes, ["HttpOnly", "Max-Age=34560000", "Path=/", "SameSite=Strict"])

      assert.strictEqual((yield* open(url, link)).status, 401)
      const current = yield* send(url, path, { cookie: value })
      const { expires_at, ...rest } = JSON.parse(current.text)
      assert.deepStrictEqual(
        { ...rest, session_id: "" },
        { session_id: "", person: null, label: null, roles: [{ role: "viewer", sites: "all" }] }
      )
      assert.isAtLeast(Date.parse(expires_at), before + limits.idle)
      assert.strictEqual((yield* send(url, sites, { cookie: value })).status, 200)

      const closed = yield* send(url, path, { cookie: value, init: { method: "DELETE", headers: { origin: url } } })
      assert.strictEqual(closed.status, 204)
      assert.deepStrictEqual(cookieOf(closed.headers), {
        name: "hydracore_console",
        value: "",
        attributes: ["HttpOnly", "Max-Age=0", "Path=/", "SameSite=Strict"]
      })
      // Within a second, by the contract of the service.
      yield* poll(send(url, sites, { cookie: value }), ({ status }) => status === 401)
    })
  )

  it.effect("a link can be read before it is opened, and only then", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const directory = yield* SiteDirectory
      const [site, deleted] = [
        yield* directory.create({ name: "Docs", origins: [] }),
        yield* directory.create({ name: "Shop", origins: [] })
      ]
      const { link, session } = yield* newLink("owner", [site.websiteConfigId, deleted.websiteConfigId])
      yield* SiteErasure.use((erasure) => erasure.erase(deleted.websiteConfigId))
      for (let count = 0; count < 2; count++) {
        const answer = yield* read(url, link)
        assert.deepStrictEqual(JSON.parse(answer.text), {
          person: null,
          email: null,
          roles: [{ role: "owner", sites: [site.websiteConfigId] }],
          label: session.label,
          sites: [{ site_id: site.websiteConfigId, name: "Docs" }],
          expires_at: session.ends_at
        })
        assert.isNull(answer.headers.get("set-cookie"))
      }
      const { roles } = JSON.parse((yield* read(url, (yield* newLink("viewer", "all")).link)).text)
      assert.deepStrictEqual(roles, [{ role: "viewer", sites: "all" }])
      assert.strictEqual((yield* read(url, link, { "sec-fetch-site": "cross-site" })).status, 401)
      assert.strictEqual((yield* open(url, link)).status, 204)
      const [opened, unknown] = [yield* read(url, link), yield* read(url, linkSyntax.format(randomBytes(32)))]
      assert.deepStrictEqual([opened.status, unknown.status], [401, 401])
      assert.strictEqual(opened.text, unknown.text)
    })
  )

  it.effect("the cookie needs TLS unless the page is on http and loopback", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      for (const [origin, isSecure] of [
        ["http://localhost:8080", false],
        ["https://console.example", true],
        ["http://console.example", true],
        ["https://localhost", true]
      ] as const) {
        const { link } = yield* newLink("owner", "all")
        const { headers } = yield* open(url, link, { origin, ...fromOwnPage })
        const name = `${isSecure ? "__Host-" : ""}hydracore_console`
        assert.strictEqual(cookieOf(headers).name, name, origin)
        assert.strictEqual(cookieOf(headers).attributes.includes("Secure"), isSecure, origin)
      }
    })
  )

  it.effect("an invalid link and a page of another origin get the same 401", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { link } = yield* newLink("owner", "all")
      const refused = [
        yield* open(url, linkSyntax.format(randomBytes(32))),
        yield* open(url, yield* newCookie("owner", "all")),
        yield* open(url, ""),
        yield* open(url, link, {}),
        yield* open(url, link, { "sec-fetch-site": "cross-site" }),
        yield* open(url, link, { "sec-fetch-site": "none" })
      ]
      assert.deepStrictEqual([...new Set(refused.map(({ status }) => status))], [401])
      assert.lengthOf([...new Set(refused.map(({ text }) => text))], 1)
      for (const { headers } of refused) assert.isNull(headers.get("set-cookie"))
      assert.strictEqual((yield* open(url, link)).status, 204)
    })
  )

  it.effect("a body that is not JSON with a link is refused, and no answer repeats the link", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { link } = yield* newLink("owner", "all")
      const form = { "content-type": "application/x-www-form-urlencoded", ...fromOwnPage }
      const plain = { "content-type": "text/plain", ...fromOwnPage }
      for (const [status, body, headers] of [
        [422, "{", fromOwnPage],
        [422, {}, fromOwnPage],
        [422, { secret: 7 }, fromOwnPage],
        [422, { secret: `${link}${"x".repeat(1000)}` }, fromOwnPage],
        [415, `secret=${link}`, form],
        [415, JSON.stringify({ secret: link }), plain]
      ] as const) {
        const answer = yield* send(url, path, { body, init: { headers } })
        assert.strictEqual(answer.status, status, JSON.stringify(body))
        assert.match(answer.headers.get("content-type") ?? "", /^application\/json/)
        assert.notInclude(answer.text, link)
      }
      assert.strictEqual((yield* open(url, link)).status, 204)
    })
  )

  it.effect("a cookie is accepted only alone, well-formed, and from a page of the same origin", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const cookie = yield* newCookie("owner", "all")
      const { key } = yield* OwnerKeys.use((keys) =>
        keys.issue({ scope: "stats", sites: [], label: null, expiresAt: null })
      ).pipe(Effect.flatMap(Effect.fromOption), Effect.orDie)
      const header = `hydracore_console=${cookie}`
      const texts = new Set<string>()
      for (const headers of [
        { cookie: header },
        { cookie: header, "sec-fetch-site": "cross-site" },
        { cookie: header, "sec-fetch-site": "same-site" },
        { cookie: header, "sec-fetch-site": "none" },
        { cookie: header, authorization: "Bearer hok_x", ...fromOwnPage },
        { cookie: `${header}x`, ...fromOwnPage },
        { cookie: `other=${cookie}`, ...fromOwnPage },
        { cookie: `${header}; ${header}`, ...fromOwnPage },
        { cookie: `hydracore_console=hcs_x; ${header}`, ...fromOwnPage },
        { cookie: `__Host-${header}; __Host-hydracore_console=hcs_x`, ...fromOwnPage },
        { cookie: `hydracore_console=${key}`, ...fromOwnPage },
        { authorization: `Bearer ${cookie}`, ...fromOwnPage }
      ]) {
        const answer = yield* send(url, sites, { init: { headers } })
        assert.strictEqual(answer.status, 401, JSON.stringify(headers))
        texts.add(answer.text)
      }
      assert.lengthOf([...texts], 1)
      assert.strictEqual((yield* send(url, sites, { cookie })).status, 200)
      const secure = { cookie: `__Host-${header}`, ...fromOwnPage }
      assert.strictEqual((yield* send(url, sites, { init: { headers: secure } })).status, 200)
      // A key takes precedence, and has no session.
      const both = yield* send(url, sites, { cookie, key })
      assert.deepStrictEqual(JSON.parse(both.text), { sites: [], next: null })
      assert.strictEqual((yield* send(url, path, { key })).status, 404)
      assert.strictEqual((yield* send(url, path, { key, init: { method: "DELETE" } })).status, 404)
    })
  )
})

layer(testServer({ console: false }), { excludeTestServices: true })("without a console", (it) => {
  it.effect("no link opens a session, and no cookie authenticates", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { link } = yield* newLink("owner", "all")
      assert.strictEqual((yield* open(url, link)).status, 404)
      assert.strictEqual((yield* read(url, link)).status, 404)
      assert.strictEqual((yield* send(url, sites, { cookie: yield* newCookie("owner", "all") })).status, 401)
      assert.isTrue(Option.isSome(yield* ConsoleSessions.use((sessions) => sessions.open(link))))
    })
  )
})

const rateLimitOwner = Option.some({ name: "owner", limit: 3, windowMillis: 60_000 })

layer(testServer({ rateLimitOwner }), { excludeTestServices: true })("the rate limit of the console", (it) => {
  it.effect("counts each session separately, and invalid links by address", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const [one, other] = [yield* newCookie("viewer", "all"), yield* newCookie("viewer", "all")]
      const statuses = []
      for (let index = 0; index < 4; index++) {
        const answer = yield* send(url, sites, { cookie: one })
        assert.match(answer.headers.get("ratelimit") ?? "", /^"owner";r=\d;t=\d+$/)
        assert.strictEqual(answer.headers.get("cache-control"), "no-store")
        statuses.push(answer.status)
        if (answer.status === 429) assert.match(answer.headers.get("retry-after") ?? "", /^\d+$/)
      }
      assert.deepStrictEqual(statuses, [200, 200, 200, 429])
      assert.strictEqual((yield* send(url, sites, { cookie: other })).status, 200)

      const { link } = yield* newLink("viewer", "all")
      const opened = []
      for (let index = 0; index < 4; index++) {
        opened.push((yield* open(url, linkSyntax.format(randomBytes(32)))).status)
      }
      assert.deepStrictEqual(opened, [401, 401, 401, 429])
      // A valid link and a valid session of the same address still work, and a used link is refused.
      assert.strictEqual((yield* open(url, link)).status, 204)
      assert.strictEqual((yield* open(url, link)).status, 429)
      assert.strictEqual((yield* send(url, sites, { cookie: other })).status, 200)
    })
  )

  it.effect("counts the reads of each valid link, and those of invalid links as their openings", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const [one, other] = [yield* newLink("viewer", "all"), yield* newLink("viewer", "all")]
      const statuses = []
      for (let index = 0; index < 4; index++) statuses.push((yield* read(url, one.link)).status)
      assert.deepStrictEqual(statuses, [200, 200, 200, 429])
      // The address is over the limit since the test before.
      assert.strictEqual((yield* read(url, linkSyntax.format(randomBytes(32)))).status, 429)
      assert.strictEqual((yield* read(url, other.link)).status, 200)
    })
  )
})

/** A store of sessions that cannot be reached. */
const unreachable = Layer.effect(
  ConsoleSessions,
  Effect.map(ConsoleSessions, (sessions) => ({
    ...sessions,
    open: () => Effect.fail(new StorageUnavailable({ reason: "unreachable" })),
    findLink: () => Effect.fail(new StorageUnavailable({ reason: "unreachable" })),
    authenticate: () => Effect.fail(new StorageUnavailable({ reason: "unreachable" }))
  }))
)

layer(
  testServer({ rateLimitOwner }, undefined, (storage) => Layer.provideMerge(unreachable, storage)),
  { excludeTestServices: true }
)("a session whose store cannot be reached", (it) => {
  it.effect("gets a 503, and does not count as a failure", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const cookie = cookieSyntax.format(randomBytes(32))
      const { link } = yield* newLink("viewer", "all")
      // More often than the limit of failures allows.
      for (let index = 0; index < 4; index++) {
        for (const answer of [yield* send(url, sites, { cookie }), yield* open(url, link), yield* read(url, link)]) {
          assert.strictEqual(answer.status, 503)
          assert.strictEqual(answer.headers.get("retry-after"), "5")
        }
      }
    })
  )
})
