/**
 * How the requests of owners share the slots of a process: who is served when, and how many run at once.
 */

import { randomUUID } from "node:crypto"
import { assert, describe, it, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Latch, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { SiteActivity } from "../../../src/activity/Activity.ts"
import { Reports } from "../../../src/analytics/reports/Reports.ts"
import { InstanceDirectory } from "../../../src/chat/InstanceDirectory.ts"
import { Transcripts } from "../../../src/chat/Transcripts.ts"
import { Inbox } from "../../../src/forms/Inbox.ts"
import { OwnerKeys } from "../../../src/sites/access/OwnerKey.ts"
import * as SiteSlots from "../../../src/sites/access/SiteSlots.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { newCookie, send } from "../../support/OwnerRequests.ts"
import type { Storage } from "../../support/Storages.ts"
import { TestServer, onPostgres as testServer } from "../../support/TestServer.ts"
import { until } from "../../support/Wait.ts"

/** Work that runs until it is ended. */
const work = () => {
  const [begun, end] = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<void>()]
  let state: "new" | "running" | "ended" | "interrupted" = "new"
  const run = Effect.gen(function* () {
    state = "running"
    yield* Deferred.succeed(begun, undefined)
    yield* Deferred.await(end)
    state = "ended"
  }).pipe(
    Effect.onInterrupt(() =>
      Effect.sync(() => {
        state = "interrupted"
      })
    )
  )
  return { run, begun: Deferred.await(begun), end: Deferred.succeed(end, undefined), state: () => state }
}

const settled = Effect.forEach(Array.from({ length: 20 }), () => Effect.yieldNow)

describe("sites/access/SiteSlots", () => {
  it.effect("a request that ends frees its slot, or its place among those that wait", () =>
    Effect.gen(function* () {
      const { exports } = yield* SiteSlots.SiteSlots
      const [running, waiting, last] = [work(), work(), work()]
      const first = yield* Effect.forkChild(exports.run("a", running.run))
      yield* running.begun
      const second = yield* Effect.forkChild(exports.run("a", waiting.run))
      yield* settled
      const third = yield* Effect.forkChild(exports.run("a", last.run))
      yield* settled
      yield* Fiber.interrupt(second)
      yield* Fiber.interrupt(first)
      yield* last.begun
      assert.deepStrictEqual([running.state(), waiting.state()], ["interrupted", "new"])
      yield* last.end
      yield* Fiber.join(third)
    }).pipe(Effect.provide(SiteSlots.layer))
  )

  it.effect("four exports run, each of another website", () =>
    Effect.gen(function* () {
      const { exports } = yield* SiteSlots.SiteSlots
      const scopes = new Map<string, Scope.Closeable>()
      const begun: Array<string> = []
      const begin = Effect.fnUntraced(
        function* (name: string) {
          const scope = yield* Scope.make()
          scopes.set(name, scope)
          yield* Scope.provide(exports.hold(name[0]!), scope)
          begun.push(name)
        },
        (begun) => Effect.forkChild(begun)
      )
      for (const name of ["a1", "a2", "b1", "c1", "d1", "e1"]) yield* begin(name)
      yield* settled
      assert.deepStrictEqual(begun, ["a1", "b1", "c1", "d1"])
      yield* Scope.close(scopes.get("a1")!, Exit.void)
      yield* settled
      // The website that holds no slot and waits longest is next.
      assert.deepStrictEqual(begun.slice(4), ["a2"])
      yield* Scope.close(scopes.get("d1")!, Exit.void)
      yield* settled
      assert.deepStrictEqual(begun.slice(5), ["e1"])
    }).pipe(Effect.provide(SiteSlots.layer))
  )

  it.effect("a request that waits too long gets a 429 if its own website holds slots, and otherwise a 503", () =>
    Effect.gen(function* () {
      const { exports } = yield* SiteSlots.SiteSlots
      for (const name of ["a", "b", "c", "d"]) yield* exports.hold(name)
      const own = yield* Effect.forkChild(Effect.flip(exports.hold("a")))
      const other = yield* Effect.forkChild(Effect.flip(exports.hold("e")))
      yield* settled
      yield* TestClock.adjust(SiteSlots.maxWait)
      for (const [fiber, tag] of [
        [own, "TooManyRequests"],
        [other, "ServiceUnavailable"]
      ] as const) {
        const refused = yield* Fiber.join(fiber)
        assert.strictEqual(refused._tag, tag)
        assert.isAbove(refused.headers["retry-after"] ?? 0, 0)
      }
    }).pipe(Effect.provide(SiteSlots.layer))
  )

  it.effect("a website's queue is bounded, and does not fill that of others", () =>
    Effect.gen(function* () {
      const { reports } = yield* SiteSlots.SiteSlots
      const { slots, waitingPerOwner } = SiteSlots.kinds.reports
      for (let count = 0; count < slots + waitingPerOwner; count++) {
        yield* Effect.forkChild(reports.run("a", Effect.never))
      }
      yield* settled
      assert.strictEqual((yield* Effect.flip(reports.run("a", Effect.void)))._tag, "TooManyRequests")
      const other = yield* Effect.forkChild(reports.run("b", Effect.void))
      yield* settled
      assert.isUndefined(other.pollUnsafe())
    }).pipe(Effect.provide(SiteSlots.layer))
  )

  it.effect("a deletion that has begun continues when its request ends, and one that waits does not begin", () =>
    Effect.gen(function* () {
      const { erasures } = yield* SiteSlots.SiteSlots
      const [running, waiting] = [work(), work()]
      const first = yield* Effect.forkChild(erasures.runToEnd("a", running.run))
      yield* running.begun
      const second = yield* Effect.forkChild(erasures.runToEnd("a", waiting.run))
      yield* settled
      yield* Fiber.interruptAll([first, second])
      assert.strictEqual(running.state(), "running")
      yield* running.end
      yield* erasures.run("a", Effect.void)
      assert.deepStrictEqual([running.state(), waiting.state()], ["ended", "new"])
    }).pipe(Effect.provide(SiteSlots.layer))
  )
})

interface Run {
  readonly site: string
  /** The page by which the query filters. */
  readonly page: string
  readonly end: Effect.Effect<boolean>
}

/** The reports of the website that were started, and how many run. */
const recorded = { started: [] as Array<Run>, running: 0, most: 0 }

const lookups = new Map<string, number>()

/** Counts the lookups of each website. */
const counting = (storage: Layer.Layer<Storage>) =>
  Layer.effect(
    SiteDirectory,
    Effect.map(SiteDirectory, (directory) => ({
      ...directory,
      byWebsiteConfigId: (id) =>
        Effect.tap(directory.byWebsiteConfigId(id), () =>
          Effect.sync(() => lookups.set(id, (lookups.get(id) ?? 0) + 1))
        )
    }))
  ).pipe(Layer.provideMerge(storage))

/** Counts how many run. */
const counted = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      recorded.most = Math.max(recorded.most, ++recorded.running)
    }),
    () => effect,
    () =>
      Effect.sync(() => {
        recorded.running--
      })
  )

/** Reports that do not end before their test ends them. */
const recording = (storage: Layer.Layer<Storage>) =>
  Layer.effect(
    Reports,
    Effect.map(Reports, (reports) => ({
      ...reports,
      query: (site, query) =>
        Effect.gen(function* () {
          const end = yield* Deferred.make<void>()
          const [filter] = query.filters
          const page = filter !== undefined && "values" in filter ? (filter.values[0] ?? "") : ""
          recorded.started.push({ site: site.websiteConfigId, page, end: Deferred.succeed(end, undefined) })
          yield* Deferred.await(end)
          return yield* reports.query(site, query)
        }).pipe(counted)
    }))
  ).pipe(Layer.provideMerge(counting(storage)))

const canEnd = Latch.makeUnsafe()

const held = <A, E>(effect: Effect.Effect<A, E>) => counted(Effect.andThen(canEnd.await, effect))

/** Lists that do not end before `canEnd` is open. */
const holding = (storage: Layer.Layer<Storage>) =>
  Layer.mergeAll(
    Layer.effect(
      Inbox,
      Effect.map(Inbox, (inbox) => ({
        ...inbox,
        list: (query) => held(inbox.list(query)),
        find: (site, id) => held(inbox.find(site, id)),
        overview: (site) => held(inbox.overview(site)),
        release: (site, ids) => held(inbox.release(site, ids)),
        delete: (site, ids) => held(inbox.delete(site, ids))
      }))
    ),
    Layer.effect(
      Transcripts,
      Effect.map(Transcripts, (transcripts) => ({
        ...transcripts,
        list: (query) => held(transcripts.list(query)),
        find: (reach, key) => held(transcripts.find(reach, key)),
        answerHealth: (reach, id) => held(transcripts.answerHealth(reach, id))
      }))
    ),
    Layer.effect(
      SiteActivity,
      Effect.map(SiteActivity, ({ latest, rows }) => ({ latest: (site, limit) => held(latest(site, limit)), rows }))
    )
  ).pipe(Layer.provideMerge(counting(storage)))

const newOwner = Effect.gen(function* () {
  const { url } = yield* TestServer
  const { websiteConfigId } = yield* SiteDirectory.use((sites) => sites.create({ name: "Shop", origins: [] }))
  /** A query with a key of its own, of the visits with this page. */
  const query = (page: string) =>
    OwnerKeys.use((keys) =>
      keys.issue({ scope: "stats", sites: [websiteConfigId], label: null, expiresAt: null })
    ).pipe(
      Effect.flatMap(Effect.fromOption),
      Effect.flatMap(({ key }) =>
        send(url, "/v1/owner/query", {
          key,
          body: {
            site_id: websiteConfigId,
            metrics: ["visitors"],
            date_range: "7d",
            filters: [["contains", "event:page", [page]]]
          }
        })
      )
    )
  const received = (count: number) =>
    until(`${count} queries are received`, () => (lookups.get(websiteConfigId) ?? 0) >= count)
  return { websiteConfigId, query, received }
}).pipe(Effect.orDie)

const started = (count: number) => until(`${count} reports run`, () => recorded.started.length >= count)

layer(testServer({}, undefined, recording), { excludeTestServices: true })("reports", (it) => {
  it.effect("an owner with many keys delays another's reports by one of its own", () =>
    Effect.gen(function* () {
      recorded.started.length = recorded.most = 0
      const [attacker, other] = [yield* newOwner, yield* newOwner]
      const attack = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 12 }, (_, index) => attacker.query(`/${index}`)),
          { concurrency: "unbounded" }
        )
      )
      yield* attacker.received(12)
      yield* started(2)
      const dashboard = yield* Effect.forkChild(
        Effect.all([other.query("/a"), other.query("/b"), other.query("/c")], { concurrency: "unbounded" })
      )
      yield* other.received(3)
      yield* recorded.started[0]!.end
      for (const count of [3, 4, 5]) {
        yield* started(count)
        const { end, site } = recorded.started[count - 1]!
        assert.strictEqual(site, other.websiteConfigId)
        yield* end
      }
      const answers = yield* Fiber.join(dashboard)
      assert.deepStrictEqual(
        answers.map(({ status }) => status),
        [200, 200, 200]
      )
      yield* recorded.started[1]!.end
      for (let count = 6; count <= 15; count++) {
        yield* started(count)
        yield* recorded.started[count - 1]!.end
      }
      for (const { status } of yield* Fiber.join(attack)) assert.strictEqual(status, 200)
      assert.strictEqual(recorded.most, 2)
    })
  )

  it.effect("identical queries run once, until the last of their callers leaves", () =>
    Effect.gen(function* () {
      recorded.started.length = 0
      const owner = yield* newOwner
      const ask = Effect.forkChild(owner.query("/same"))
      const [first, second, third] = [yield* ask, yield* ask, yield* ask]
      yield* owner.received(3)
      yield* started(1)
      // The first caller leaves, and the others still get their answer.
      yield* Fiber.interrupt(first)
      yield* recorded.started[0]!.end
      for (const fiber of [second, third]) assert.strictEqual((yield* Fiber.join(fiber)).status, 200)
      assert.lengthOf(recorded.started, 1)

      const abandoned = [yield* ask, yield* ask]
      yield* owner.received(5)
      yield* started(2)
      yield* Fiber.interruptAll(abandoned)
      yield* until("the report ends with its last caller", () => recorded.running === 0)
    })
  )
})

layer(testServer({}, undefined, holding), { excludeTestServices: true })("lists", (it) => {
  it.effect("two lists, searches and changes of submissions run at once, whatever they list", () =>
    Effect.gen(function* () {
      recorded.most = 0
      const { url } = yield* TestServer
      const { websiteConfigId: site } = yield* SiteDirectory.use((sites) => sites.create({ name: "A", origins: [] }))
      const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) =>
        instances.create({ name: "Bot", agent_url: "http://agent", website_config_id: site })
      )
      const cookie = yield* newCookie("owner", [site])
      const submission_ids = [randomUUID()]
      const requests: ReadonlyArray<readonly [path: string, body?: object]> = [
        ["submissions?search=a"],
        ["submissions/overview"],
        [`submissions/${randomUUID()}`],
        [`submissions/${randomUUID()}/deliveries`],
        ["submissions/release", { submission_ids }],
        ["submissions/delete", { submission_ids }],
        [`instances/${instanceId}/conversations?search=a`],
        [`instances/${instanceId}/conversations/a`],
        [`instances/${instanceId}/answers`],
        ["activity"]
      ]
      const before = lookups.get(site) ?? 0
      const answers = yield* Effect.forkChild(
        Effect.all(
          requests.map(([path, body]) => send(url, `/v1/owner/sites/${site}/${path}`, { cookie, body })),
          { concurrency: "unbounded" }
        )
      )
      yield* until("all requests are received", () => (lookups.get(site) ?? 0) >= before + requests.length)
      yield* until("two run", () => recorded.running === 2)
      canEnd.openUnsafe()
      assert.sameMembers(
        (yield* Fiber.join(answers)).map(({ status }) => status),
        [200, 200, 404, 404, 404, 404, 200, 404, 200, 200]
      )
      assert.strictEqual(recorded.most, 2)
    })
  )
})
