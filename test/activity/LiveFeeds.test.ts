import { assert, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Logger, Option, Scope, Stream, Tracer } from "effect"
import { TestClock } from "effect/testing"
import { type Activity, SiteActivity } from "../../src/activity/Activity.ts"
import * as LiveFeeds from "../../src/activity/LiveFeeds.ts"
import { Reports } from "../../src/analytics/reports/Reports.ts"
import { HostedWebsiteId, SubmissionId, TrackingToken, WebsiteConfigId } from "../../src/platform/Id.ts"
import * as Calendar from "../../src/platform/text/Calendar.ts"
import * as Access from "../../src/sites/access/Access.ts"
import { permit } from "../../src/sites/access/Access.ts"
import * as SiteSlots from "../../src/sites/access/SiteSlots.ts"
import { id } from "../support/Ids.ts"
import { view } from "../support/TestStorage.ts"

const site = Option.getOrThrow(
  permit([{ grants: Access.roleGrants.viewer, sites: "all" }], "inbox", "read", {
    websiteConfigId: WebsiteConfigId.make("5b0c6f04-8d3c-4c5c-9a55-0d6f3f4d1f01"),
    hostedWebsiteId: HostedWebsiteId.make("5b0c6f04-8d3c-4c5c-9a55-0d6f3f4d1f02"),
    trackingToken: TrackingToken.make("5b0c6f04-8d3c-4c5c-9a55-0d6f3f4d1f03"),
    name: "Shop",
    origins: [],
    timeZone: "UTC",
    createdAt: 0
  })
)

/** The feeds of a website that has as many current visitors, and as its latest activities those, that the effects return. */
const make = (
  currentVisitors: Effect.Effect<number>,
  latest: SiteActivity["Service"]["latest"] = () => Effect.succeed([]),
  rows: Effect.Success<ReturnType<SiteActivity["Service"]["rows"]>> = []
) =>
  Layer.mergeAll(
    SiteSlots.layer,
    Layer.succeed(SiteActivity, { latest, rows: () => Effect.succeed(rows) }),
    Layer.mock(Reports, { currentVisitors: () => currentVisitors })
  ).pipe(
    Layer.build,
    Effect.flatMap((services) => Effect.provide(LiveFeeds.make, services))
  )

it.effect("activity/LiveFeeds: a defect in two polls is logged once, and the next poll reaches the reader", () =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    let polls = 0
    const currentVisitors = Effect.suspend(() => {
      polls++
      return polls === 2 || polls === 3 ? Effect.die(new Error("a row does not match")) : Effect.succeed(polls)
    })
    const feeds = yield* make(currentVisitors).pipe(
      Effect.provide(Logger.layer([Logger.map(Logger.formatSimple, (line) => void lines.push(line))]))
    )
    const { changes, latest } = yield* feeds.follow(site)
    assert.strictEqual(latest.visitors, 1)
    yield* TestClock.adjust("6 seconds")
    const [change] = yield* changes.pipe(Stream.take(1), Stream.runCollect)
    assert.strictEqual(change?.visitors, 4)
    assert.lengthOf(lines, 1)
    assert.match(lines[0] ?? "", /level=WARN.*could not be read; retrying.*a row does not match/s)
  })
)

class Request extends Context.Service<Request, object>()("test/Request") {}

it.effect("activity/LiveFeeds: the polls do not run in the context of the first reader", () =>
  Effect.gen(function* () {
    const contexts: Array<Context.Context<never>> = []
    const currentVisitors = Effect.contextWith((context: Context.Context<never>) =>
      Effect.sync(() => contexts.push(context))
    )
    const feeds = yield* make(currentVisitors)
    const [first, second] = [yield* Scope.make(), yield* Effect.scope]
    for (const reader of [first, second]) {
      yield* feeds
        .follow(site)
        .pipe(Scope.provide(reader), Effect.provideService(Request, {}), Effect.withSpan("request"))
    }
    yield* Scope.close(first, Exit.void)
    yield* TestClock.adjust("4 seconds")
    assert.lengthOf(contexts, 3)
    for (const context of contexts) {
      assert.isTrue(Option.isNone(Context.getOption(context, Request)))
      assert.isTrue(Option.isNone(Context.getOption(context, Tracer.ParentSpan)))
    }
  })
)

it.effect("activity/LiveFeeds: all readers get the same keys of visits, and a feed after the last reader others", () =>
  Effect.gen(function* () {
    const received = view(0, 1)
    const rows = [{ type: "pageview" as const, view: { ...received, receivedAt: 0 } }]
    const { follow } = yield* make(Effect.succeed(1), () => Effect.succeed([]), rows)
    const keyOf = Effect.map(follow(site), ({ latest }) => latest.visits[0]?.key ?? assert.fail())
    const [one, other] = yield* Effect.scoped(Effect.all([keyOf, keyOf]))
    assert.strictEqual(one, other)
    assert.notStrictEqual(yield* Effect.scoped(keyOf), one)
    assert.notInclude(one, received.visitorHash)
  })
)

it.effect("activity/LiveFeeds: a change has the visits that are on the website, and nothing is sent without one", () =>
  Effect.gen(function* () {
    const rows: Array<Effect.Success<ReturnType<SiteActivity["Service"]["rows"]>>[number]> = []
    const feeds = yield* make(Effect.succeed(1), () => Effect.succeed([]), rows)
    const { changes, latest } = yield* feeds.follow(site)
    assert.deepStrictEqual(latest, { visitors: 1, visits: [], activity: [] })
    yield* TestClock.adjust("10 seconds")
    rows.push({ type: "pageview", view: { ...view(0, 1), path: "/a", receivedAt: 10_000 } })
    yield* TestClock.adjust("10 seconds")
    rows.push({ type: "pageview", view: { ...view(0, 1), path: "/b", receivedAt: 20_000 } })
    yield* TestClock.adjust("6 minutes")
    const found = yield* changes.pipe(Stream.take(3), Stream.runCollect)
    assert.deepStrictEqual(
      found.map(({ visits }) => visits.map(({ page, pageviews }) => `${page} ${pageviews}`)),
      [["/a 1"], ["/b 2"], []]
    )
    assert.strictEqual(found[0]?.visits[0]?.key, found[1]?.visits[0]?.key)
  })
)

it.effect("activity/LiveFeeds: an old activity that replaces a deleted one is no change", () =>
  Effect.gen(function* () {
    const submission = (time: number): Activity => ({
      type: "submission",
      received_at: Calendar.iso(time),
      submission_id: id(SubmissionId, String(time)),
      status: "accepted",
      page_slug: null
    })
    let stored = Array.from({ length: 60 }, (_, index) => submission(60 - index))
    const feeds = yield* make(Effect.succeed(1), (_, limit) => Effect.sync(() => stored.slice(0, limit)))
    const { changes } = yield* feeds.follow(site)
    stored = stored.filter(({ received_at }) => received_at !== Calendar.iso(40))
    yield* TestClock.adjust("2 seconds")
    stored = [submission(61), ...stored]
    yield* TestClock.adjust("2 seconds")
    const [change] = yield* changes.pipe(Stream.take(1), Stream.runCollect)
    assert.deepStrictEqual(change?.activity, [submission(61)])
  })
)
