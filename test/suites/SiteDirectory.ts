/**
 * The tests that every layer of `SiteDirectory` must pass.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Effect, type Layer, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { TrackingToken, WebsiteConfigId } from "../../src/platform/Id.ts"
import type { Site } from "../../src/sites/Site.ts"
import { positionOf, SiteDirectory, type SiteQuery } from "../../src/sites/SiteDirectory.ts"

/** Texts that must be escaped in SQL texts or arrays, and a long one. */
const Text = Schema.Literals([
  "",
  "NULL",
  "{,}",
  'a"b\\c',
  "it's",
  " x ",
  "Ünïcode 日本 👩‍👩‍👧",
  "https://www.example.com",
  "x".repeat(5000)
])

export const suite = <E>(name: string, layer: Layer.Layer<SiteDirectory, E>) =>
  shared(layer)(name, (it) => {
    it.effect.prop(
      "a website is found by each of its public ids",
      [Text, Schema.Array(Text), Schema.UndefinedOr(Schema.Literals(["UTC", "Europe/Berlin"]))],
      ([name, origins, timeZone]) =>
        Effect.gen(function* () {
          const sites = yield* SiteDirectory
          const site = yield* sites.create({ name, origins, timeZone })
          assert.deepInclude(site, { name, origins, timeZone: timeZone ?? "UTC" })
          assert.deepStrictEqual(yield* sites.byTrackingToken(site.trackingToken), Option.some(site))
          assert.deepStrictEqual(yield* sites.byWebsiteConfigId(site.websiteConfigId), Option.some(site))
        })
    )

    it.effect.prop(
      "a change of a website is visible by each id within ten seconds, and changes no other field and no other website",
      [
        Schema.Struct({
          name: Schema.optionalKey(Text),
          origins: Schema.optionalKey(Schema.Array(Text)),
          timeZone: Schema.optionalKey(Schema.Literals(["UTC", "Europe/Berlin"]))
        })
      ],
      ([change]) =>
        Effect.gen(function* () {
          const sites = yield* SiteDirectory
          const origins = ["https://a.example"]
          const [site, other] = [
            yield* sites.create({ name: "a", origins }),
            yield* sites.create({ name: "a", origins })
          ]
          assert.deepStrictEqual(yield* sites.byTrackingToken(site.trackingToken), Option.some(site))
          assert.deepStrictEqual(yield* sites.byWebsiteConfigId(site.websiteConfigId), Option.some(site))
          const changed = Option.some({ ...site, ...change })
          assert.deepStrictEqual(yield* sites.update(site.websiteConfigId, change), changed)
          yield* TestClock.adjust("10 seconds")
          assert.deepStrictEqual(yield* sites.byTrackingToken(site.trackingToken), changed)
          assert.deepStrictEqual(yield* sites.byWebsiteConfigId(site.websiteConfigId), changed)
          assert.deepStrictEqual(yield* sites.byWebsiteConfigId(other.websiteConfigId), Option.some(other))
        })
    )

    it.effect("an unknown website cannot be changed, and a website cannot be changed by its other ids", () =>
      Effect.gen(function* () {
        const sites = yield* SiteDirectory
        const site = yield* sites.create({ name: "a", origins: [] })
        for (const id of [randomUUID(), site.trackingToken, site.hostedWebsiteId]) {
          assert.isTrue(Option.isNone(yield* sites.update(WebsiteConfigId.make(id), { name: "b" })))
        }
        assert.deepStrictEqual(yield* sites.byWebsiteConfigId(site.websiteConfigId), Option.some(site))
      })
    )

    it.effect("a website's ids are not interchangeable", () =>
      Effect.gen(function* () {
        const sites = yield* SiteDirectory
        const site = yield* sites.create({ name: "a", origins: [] })
        assert.strictEqual(new Set([site.trackingToken, site.websiteConfigId, site.hostedWebsiteId]).size, 3)
        for (const id of [site.websiteConfigId, site.hostedWebsiteId]) {
          assert.isTrue(Option.isNone(yield* sites.byTrackingToken(TrackingToken.make(id))))
        }
        for (const id of [site.trackingToken, site.hostedWebsiteId]) {
          assert.isTrue(Option.isNone(yield* sites.byWebsiteConfigId(WebsiteConfigId.make(id))))
        }
      })
    )

    it.effect("every other id finds no website", () =>
      Effect.gen(function* () {
        const sites = yield* SiteDirectory
        assert.isTrue(Option.isNone(yield* sites.byTrackingToken(TrackingToken.make(randomUUID()))))
        assert.isTrue(Option.isNone(yield* sites.byWebsiteConfigId(WebsiteConfigId.make(randomUUID()))))
      })
    )

    it.effect("lists all websites, oldest first, with their creation times", () =>
      Effect.gen(function* () {
        const sites = yield* SiteDirectory
        const before = (yield* sites.list).length
        const created = []
        for (const name of ["first", "second", "third"]) {
          yield* TestClock.adjust(1)
          created.push(yield* sites.create({ name, origins: [] }))
        }
        const times = created.map((site) => site.createdAt)
        assert.deepStrictEqual(times, [times[0]!, times[0]! + 1, times[0]! + 2])
        assert.deepStrictEqual((yield* sites.list).slice(before), created)
      })
    )

    it.effect("a list in parts has every website once, and a search only those that match", () =>
      Effect.gen(function* () {
        const sites = yield* SiteDirectory
        const mark = randomUUID()
        const created = []
        for (let index = 0; index < 7; index++) {
          // Two websites of the same time.
          if (index !== 3) yield* TestClock.adjust(1)
          created.push(
            yield* sites.create(
              index % 2 === 0
                ? { name: `Shop ${mark.toUpperCase()}_${index}%`, origins: [] }
                : { name: "Blog", origins: ["https://www.example.com", `https://${mark}.example`] }
            )
          )
        }
        yield* sites.create({ name: "another", origins: ["https://another.example"] })
        const expected = created.sort((left, right) =>
          left.createdAt === right.createdAt
            ? left.websiteConfigId < right.websiteConfigId
              ? -1
              : 1
            : left.createdAt - right.createdAt
        )
        const ids = expected.map((site) => site.websiteConfigId)
        const queries: ReadonlyArray<[Pick<SiteQuery, "sites" | "search">, ReadonlyArray<Site>]> = [
          [{ sites: "all", search: mark }, expected],
          [{ sites: "all", search: `${mark}_` }, expected.filter(({ name }) => name !== "Blog")],
          [{ sites: "all", search: `${mark}.Example` }, expected.filter(({ name }) => name === "Blog")],
          [{ sites: [...ids, WebsiteConfigId.make(randomUUID())], search: null }, expected],
          [{ sites: ids.slice(0, 2), search: mark }, expected.slice(0, 2)],
          [{ sites: [], search: null }, []]
        ]
        for (const [query, matching] of queries) {
          for (const limit of [1, 2, 3, 100]) {
            const found: Array<Site> = []
            let part: ReadonlyArray<Site>
            do {
              const last = found.at(-1)
              part = yield* sites.search({ ...query, after: last === undefined ? null : positionOf(last), limit })
              assert.isAtMost(part.length, limit)
              found.push(...part)
            } while (part.length > 0)
            assert.deepStrictEqual(found, matching)
          }
        }
      })
    )
  })
