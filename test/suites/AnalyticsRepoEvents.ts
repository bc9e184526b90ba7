/**
 * The tests of events, and of what is read, that every layer of `AnalyticsRepo` must pass. Tests may share a store, so each uses its
 * own website.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { Effect, type Layer, Result, Schema, Stream } from "effect"
import type { Row } from "../../src/analytics/AnalyticsExport.ts"
import { AnalyticsRepo } from "../../src/analytics/AnalyticsRepo.ts"
import type { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { EventShape, eventOf } from "./Events.ts"
import { newSite, now, Shape, viewOf } from "./PageViews.ts"

const read = (hostedWebsiteId: string, from = 0, to = now + 1) =>
  AnalyticsRepo.use(({ rows }) => Stream.runCollect(rows({ hostedWebsiteId, from, to })))

const timeOf = (row: Row): number => (row.type === "pageview" ? row.view : row.event).receivedAt

const isOldestFirst = (rows: ReadonlyArray<Row>): boolean =>
  rows.every((row, index) => index === 0 || timeOf(rows[index - 1]!) <= timeOf(row))

export const suite = <E>(
  name: string,
  layer: Layer.Layer<AnalyticsRepo | SiteDirectory, E>,
  { runs = 40 }: { readonly runs?: number } = {}
) =>
  describe(name, () => {
    withLayer(layer, { excludeTestServices: true })((it) => {
      it.effect.prop(
        "the export has every acknowledged record that is not excluded, unchanged: views, then events, oldest first",
        {
          events: Schema.Array(EventShape).check(Schema.isMaxLength(15)),
          views: Schema.Array(Shape).check(Schema.isMaxLength(15))
        },
        ({ events, views }) =>
          Effect.gen(function* () {
            const repo = yield* AnalyticsRepo
            const hostedWebsiteId = yield* newSite
            const storedEvents = events.map((shape) => eventOf(hostedWebsiteId, shape))
            const storedViews = views.map((shape) => viewOf(hostedWebsiteId, shape))
            yield* Effect.forEach(storedEvents, repo.appendEvent, { concurrency: "unbounded" })
            yield* Effect.forEach(storedViews, repo.append, { concurrency: "unbounded" })
            const rows = yield* read(hostedWebsiteId)
            const first = rows.filter(({ type }) => type === "pageview")
            const last = rows.filter(({ type }) => type === "event")
            assert.deepStrictEqual(rows, [...first, ...last])
            assert.isTrue(isOldestFirst(first) && isOldestFirst(last))
            const counted = storedViews.filter(({ exclusion }) => exclusion === null)
            assert.sameDeepMembers(rows, [
              ...counted.map((view): Row => ({ type: "pageview", view })),
              ...storedEvents.map((event): Row => ({ type: "event", event }))
            ])
          }),
        { arbitrary: { runs } }
      )

      it.effect.prop(
        "a period begins at `from` and ends before `to`",
        { shape: EventShape, view: Shape },
        ({ shape, view }) =>
          Effect.gen(function* () {
            const hostedWebsiteId = yield* newSite
            const event = eventOf(hostedWebsiteId, shape)
            yield* AnalyticsRepo.use(({ appendEvent }) => appendEvent(event))
            yield* AnalyticsRepo.use(({ append }) =>
              append({ ...viewOf(hostedWebsiteId, view), receivedAt: event.receivedAt, exclusion: null })
            )
            const time = event.receivedAt
            assert.lengthOf(yield* read(hostedWebsiteId, time, time + 1), 2)
            assert.lengthOf(yield* read(hostedWebsiteId, time + 1, time + 2), 0)
            assert.lengthOf(yield* read(hostedWebsiteId, time - 1, time), 0)
          }),
        { arbitrary: { runs: runs / 2 } }
      )

      it.effect("the export of a website has no records of another website", () =>
        Effect.gen(function* () {
          const [one, other] = [yield* newSite, yield* newSite]
          const shape = yield* Schema.decodeUnknownEffect(EventShape)({
            ...{ age: 0, name: "Signup", path: "/", sessionId: null, deviceType: null, browser: null, os: null },
            ...{ country: null, properties: null, amount: null, isInteractive: false, visitor: 0 }
          })
          yield* AnalyticsRepo.use(({ appendEvent }) => appendEvent(eventOf(other, shape)))
          assert.deepStrictEqual(yield* read(one), [])
          assert.deepStrictEqual(yield* read(randomUUID()), [])
        })
      )
    })
  })

/** The test for layers that reject unknown websites. */
export const unknownSites = <E>(name: string, layer: Layer.Layer<AnalyticsRepo | SiteDirectory, E>) =>
  withLayer(layer, { excludeTestServices: true })(name, (it) => {
    it.effect("an event of an unknown website is refused, and the rest of its batch is stored", () =>
      Effect.gen(function* () {
        const repo = yield* AnalyticsRepo
        const known = yield* newSite
        const shape = yield* Schema.decodeUnknownEffect(EventShape)({
          ...{ age: 0, name: "Signup", path: "/", sessionId: null, deviceType: null, browser: null, os: null },
          ...{ country: null, properties: null, amount: null, isInteractive: false, visitor: 0 }
        })
        const outcomes = yield* Effect.forEach(
          [known, randomUUID(), known],
          (id) => Effect.result(repo.appendEvent(eventOf(id, shape))),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(outcomes.map(Result.isSuccess), [true, false, true])
        assert.deepInclude(Result.getOrThrow(Result.flip(outcomes[1]!)), {
          _tag: "RecordRefused",
          reason: "unknown-site"
        })
        assert.lengthOf(yield* read(known), 2)
      })
    )
  })
