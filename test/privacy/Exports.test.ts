/**
 * Exports over HTTP: at the pace of their readers, one of a website, and one at a time reads its next part.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Latch, Layer, Option, Stream } from "effect"
import * as Raw from "../../scripts/torture/Raw.ts"
import { AnalyticsRepo } from "../../src/analytics/AnalyticsRepo.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { OwnerKeys } from "../../src/sites/access/OwnerKey.ts"
import * as SiteSlots from "../../src/sites/access/SiteSlots.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { newCookie, send } from "../support/OwnerRequests.ts"
import type { Storage } from "../support/Storages.ts"
import { TestServer, onPostgres as testServer } from "../support/TestServer.ts"
import * as TestStorage from "../support/TestStorage.ts"
import { until } from "../support/Wait.ts"

/** The pages of all exports: how many are read now, and how many were read at the same time at most. */
const pages = { reading: 0, most: 0 }

/** The number of pages that each export has read, in the order of their beginnings. */
const readOf: Array<number> = []

/** The number of pages of an export by its website. */
const pagesOf = new Map<string, number>()

const canRead = Latch.makeUnsafe(true)

/** The websites whose rows the database finds only when `hasFound` is open. */
const searching = new Set<string>()

const hasFound = Latch.makeUnsafe(false)

const rowsPerPage = 100

/** A page of 100 kB. */
const page = Array.from({ length: rowsPerPage }, () => ({
  type: "pageview" as const,
  view: { ...TestStorage.view(0, 1), path: `/${"a".repeat(1_000)}` }
}))

const readPage = (hostedWebsiteId: string) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      pages.most = Math.max(pages.most, ++pages.reading)
    }),
    () =>
      Effect.andThen(
        searching.has(hostedWebsiteId) ? hasFound.await : Effect.void,
        Effect.andThen(canRead.await, Effect.yieldNow)
      ),
    () =>
      Effect.sync(() => {
        pages.reading--
      })
  )

const generating = (storage: Layer.Layer<Storage>) =>
  Layer.effect(
    AnalyticsRepo,
    Effect.map(AnalyticsRepo, (repo) => ({
      ...repo,
      rows: ({ hostedWebsiteId }) =>
        Stream.suspend(() => {
          const index = readOf.push(0) - 1
          return Stream.paginate(1, (number) =>
            Effect.map(readPage(hostedWebsiteId), () => {
              readOf[index] = number
              return [page, number < (pagesOf.get(hostedWebsiteId) ?? 1) ? Option.some(number + 1) : Option.none()]
            })
          )
        })
    }))
  ).pipe(Layer.provideMerge(storage))

const newSite = (count: number) =>
  Effect.gen(function* () {
    const { url } = yield* TestServer
    const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Shop", origins: [] }))
    pagesOf.set(site.hostedWebsiteId, count)
    const cookie = yield* newCookie("owner", [site.websiteConfigId])
    const path = `/v1/owner/sites/${site.websiteConfigId}`
    const ask = (name: string, body?: object) => send(url, path + name, { cookie, body })
    return { ask, path, websiteConfigId: site.websiteConfigId, hostedWebsiteId: site.hostedWebsiteId }
  }).pipe(Effect.orDie)

const impatient = testServer({ limits: { unreadTimeout: 300 } }, undefined, generating)

layer(impatient, { excludeTestServices: true })("privacy/Exports: unread", (it) => {
  it.effect("an export that is not read stops to read, and ends with its connection", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { ask, path, websiteConfigId } = yield* newSite(10_000)
      const { key } = yield* OwnerKeys.use((keys) =>
        keys.issue({ scope: "read", sites: [websiteConfigId], label: null, expiresAt: null })
      ).pipe(Effect.flatMap(Effect.fromOption), Effect.orDie)
      const unread = yield* Raw.open(Number(new URL(url).port))
      unread.socket.pause()
      readOf.length = 0
      unread.write(`GET ${path}/analytics/export HTTP/1.1\r\nHost: edge\r\nAuthorization: Bearer ${key}\r\n\r\n`)
      yield* until("the export has begun", () => (readOf[0] ?? 0) > 0)
      // The next export of the website waits for the end of this one.
      const next = yield* Effect.forkChild(ask("/analytics/export?from=2026-03-01&to=2026-03-01"))
      yield* until("the connection is closed", () => {
        // A paused socket notices the close only when it writes.
        unread.write("HEAD /openapi.json HTTP/1.1\r\nHost: edge\r\n\r\n")
        return unread.closed()
      })
      // What the system buffers, and less than a gigabyte.
      assert.isBelow(readOf[0] ?? 0, 300)
      yield* until("the next export has begun", () => readOf.length > 1)
      yield* Fiber.interrupt(next)
    }).pipe(Effect.scoped)
  )
})

// Without the short timeout: on a busy machine, these tests read late.
layer(testServer({}, undefined, generating), { excludeTestServices: true })("privacy/Exports", (it) => {
  it.effect("of the exports of several websites, one at a time reads its next part", () =>
    Effect.gen(function* () {
      const sites = yield* Effect.forEach([1, 2, 3, 4, 5], () => newSite(20))
      pages.most = 0
      const answers = yield* Effect.forEach(sites, ({ ask }) => ask("/analytics/export"), { concurrency: "unbounded" })
      for (const { status, text } of answers) {
        assert.strictEqual(status, 200)
        assert.lengthOf(text.split("\r\n"), 20 * rowsPerPage + 2)
      }
      assert.strictEqual(pages.most, 1)
    })
  )

  it.effect("an export that searches long for its rows does not hold up those of other websites", () =>
    Effect.gen(function* () {
      const [slow, other] = [yield* newSite(1), yield* newSite(5)]
      searching.add(slow.hostedWebsiteId)
      const search = yield* Effect.forkChild(slow.ask("/analytics/export"))
      yield* until("the search has begun", () => pages.reading > 0)
      assert.lengthOf((yield* other.ask("/analytics/export")).text.split("\r\n"), 5 * rowsPerPage + 2)
      hasFound.openUnsafe()
      assert.lengthOf((yield* Fiber.join(search)).text.split("\r\n"), rowsPerPage + 2)
    })
  )

  it.effect("all exports of a website share its slot, and further ones get a 429", () =>
    Effect.gen(function* () {
      const { ask, websiteConfigId } = yield* newSite(1)
      const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) =>
        instances.create({ name: "Bot", agent_url: "http://agent", website_config_id: websiteConfigId })
      ).pipe(Effect.orDie)
      canRead.closeUnsafe()
      const statuses: Array<number> = []
      const count = SiteSlots.kinds.exports.waitingPerOwner + 2
      const running = yield* Effect.forkChild(
        Effect.forEach(
          Array.from({ length: count }),
          () => Effect.map(ask("/analytics/export"), ({ status }) => statuses.push(status)),
          { concurrency: "unbounded" }
        )
      )
      yield* until("one is refused", () => statuses.length === 1)
      for (const [name, body] of [
        ["/analytics/export?format=ndjson"],
        ["/submissions/export"],
        ["/submissions/export?format=ndjson"],
        [`/instances/${instanceId}/export`],
        ["/person/export", { email: "ann@example.com" }]
      ] as const) {
        const { headers, status } = yield* ask(name, body)
        assert.deepStrictEqual([status, headers.get("retry-after")], [429, "5"], name)
      }
      canRead.openUnsafe()
      yield* Fiber.join(running)
      assert.deepStrictEqual(statuses, [429, ...Array.from({ length: count - 1 }, () => 200)])
    })
  )
})
