/**
 * What is true of the demo's sample history on every date.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { parseUserAgent } from "../../src/analytics/PageView.ts"
import * as Visits from "../../src/analytics/reports/Visits.ts"
import * as SampleHistory from "../../src/demo/SampleHistory.ts"
import { dayMillis, dayOf } from "../../src/platform/text/Calendar.ts"
import { isMissing } from "../support/Conversations.ts"

const hostedWebsiteId = "5e0d4b4e-6f2c-4a3c-8f6e-0a2f6f1f7b3d"

/** A time in this century. */
const Time = Schema.Int.check(Schema.isBetween({ minimum: Date.UTC(2000, 0, 1), maximum: Date.UTC(2099, 11, 31) }))

const historyAt = (now: number, seed = "one") => SampleHistory.make({ hostedWebsiteId, now, seed })

const runs = { arbitrary: { runs: 10 } }

describe("the demo's sample history", () => {
  it.effect("is the same for the same time and seed, and differs for another seed", () =>
    Effect.gen(function* () {
      const now = Date.UTC(2026, 10, 30, 12)
      const history = yield* historyAt(now)
      assert.deepStrictEqual(yield* historyAt(now), history)
      assert.notDeepEqual((yield* historyAt(now, "two")).views, history.views)
    })
  )

  it.effect("names browsers, systems and devices as the service does, so that filters find both", () =>
    Effect.gen(function* () {
      const { views } = yield* historyAt(Date.UTC(2026, 10, 30, 12))
      const webKit = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
      const chrome = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0"
      const known = [
        `(iPhone; CPU iPhone OS 18_5 like Mac OS X) ${webKit} Version/18.5 Mobile/15E148 Safari/604.1`,
        `(iPad; CPU OS 17_5 like Mac OS X) ${webKit} Version/17.5 Mobile/15E148 Safari/604.1`,
        `(Macintosh; Intel Mac OS X 10_15_7) ${webKit} Version/18.5 Safari/605.1.15`,
        `(Linux; Android 10; K) ${chrome} Mobile Safari/537.36`,
        `(Windows NT 10.0; Win64; x64) ${chrome} Safari/537.36`,
        `(Windows NT 10.0; Win64; x64) ${chrome} Safari/537.36 Edg/141.0.0.0`,
        "(X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
      ].map((rest) => parseUserAgent(`Mozilla/5.0 ${rest}`))
      const names = new Set(known.map(({ browser, deviceType, os }) => `${browser} ${os} ${deviceType}`))
      const shown = new Set(
        views
          .filter(({ exclusion }) => exclusion === null)
          .map((view) => `${view.browser} ${view.os} ${view.deviceType}`)
      )
      assert.deepStrictEqual([...shown].sort(), [...names].sort())
    })
  )

  it.effect.prop(
    "has visits on each of the 59 days before today, none in the future, and visitors who return on the same day",
    [Time],
    ([now]) =>
      Effect.gen(function* () {
        const { events, views } = yield* historyAt(now)
        const rows = [...views.filter(({ exclusion }) => exclusion === null), ...events]
        const days = new Set(rows.map(({ receivedAt }) => dayOf(receivedAt)))
        for (let back = 1; back < SampleHistory.days; back++) assert.isTrue(days.has(dayOf(now) - back), `${back}`)
        assert.isBelow(Math.max(...rows.map(({ receivedAt }) => receivedAt)), now - 30 * 60_000)
        assert.isAbove(Math.min(...rows.map(({ receivedAt }) => receivedAt)), now - SampleHistory.days * dayMillis)
        const visitors = Map.groupBy(rows, ({ visitorHash }) => visitorHash)
        for (const ofVisitor of visitors.values()) {
          assert.strictEqual(new Set(ofVisitor.map(({ receivedAt }) => dayOf(receivedAt))).size, 1)
        }
        const counted = views.filter(({ exclusion }) => exclusion === null)
        const visits = Visits.make({ views: counted, events, conversions: [], goals: [] }, "UTC")
        assert.isAbove(visits.length, 1.05 * visitors.size)
        assert.isAbove(visitors.size, 0.5 * visits.length)
      }),
    runs
  )

  it.effect.prop(
    "has bookings with revenue, and submissions of visitors who saw the form, each with a name and text of its own",
    [Time],
    ([now]) =>
      Effect.gen(function* () {
        const { events, submissions, views } = yield* historyAt(now)
        const bookings = events.filter(({ revenue }) => revenue !== null)
        assert.isAbove(bookings.length, 2)
        for (const { properties, revenue } of bookings) {
          assert.strictEqual(revenue?.currency, "EUR")
          assert.hasAllKeys(properties, ["tour", "people"])
        }
        const people = submissions.filter(({ visitorHash }) => visitorHash !== null)
        assert.strictEqual(submissions.length, people.length + 2)
        assert.isAbove(people.length, 9)
        for (const { email, receivedAt, visitorHash } of people) {
          const before = views.filter((view) => view.visitorHash === visitorHash && view.receivedAt <= receivedAt)
          assert.strictEqual(before.at(-1)?.path, "/demo/site/contact")
          assert.isAtMost(receivedAt, now)
          assert.match(email, /^[a-z]+(\.[a-z]+)+@example\.com$/)
        }
        for (const field of ["name", "message"] as const) {
          assert.strictEqual(new Set(submissions.map(({ fields }) => fields[field])).size, submissions.length)
        }
        const times = submissions.map(({ receivedAt }) => receivedAt)
        assert.deepStrictEqual(times, times.toSorted())
      }),
    runs
  )

  it.effect.prop(
    "has conversations of visitors, of which one is unanswered and one is rated bad",
    [Time],
    ([now]) =>
      Effect.gen(function* () {
        const { conversations, views } = yield* historyAt(now)
        assert.isAbove(conversations.length, 4)
        const visitors = new Set(views.map(({ visitorHash }) => visitorHash))
        for (const { visitorHash } of conversations) assert.isTrue(visitors.has(visitorHash))
        const turns = conversations.flatMap(({ turns }) => turns)
        assert.strictEqual(new Set(turns.map(({ question }) => question)).size, turns.length)
        const parts = (answer: string) => (answer === "" ? [] : [{ type: "text", text: answer } as const])
        assert.lengthOf(
          turns.filter(({ answer, ending }) => isMissing({ ending, parts: parts(answer) })),
          1
        )
        assert.lengthOf(
          turns.filter(({ rating }) => rating === "down"),
          1
        )
      }),
    runs
  )
})
