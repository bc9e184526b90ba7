/**
 * Faults while visitors send page views, submissions and chat messages: nothing that was acknowledged is lost, and every webhook
 * and mail arrives.
 *
 * Imports nothing of `src`.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import path from "node:path"
import { assert, it, layer } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import { reconcile } from "../../scripts/torture/Ledger.ts"
import * as Load from "../../scripts/torture/Load.ts"
import { checkAccount } from "../../scripts/torture/scenarios/Figures.ts"
import * as Process from "../support/Process.ts"
import * as ProcessTree from "../support/ProcessTree.ts"
import * as PreparedCluster from "../support/postgres/PreparedCluster.ts"
import * as ServerFiles from "../support/postgres/ServerFiles.ts"
import { until } from "../support/Wait.ts"
import * as Chats from "./faults/Chats.ts"
import { endless, type Sent } from "./faults/Receivers.ts"
import { grace, pace, rounds, rowsOf, Stage, layer as stage, underLoad, visitors } from "./faults/Stage.ts"

/** Whether a service listens. */
const isListening = (url: string) =>
  fetch(`${url}/healthz`).then(
    () => true,
    () => false
  )

/** The submissions of which nothing arrived. */
const missing = (acknowledged: ReadonlySet<string>, sent: Sent) =>
  [...acknowledged].filter((submission) => !sent.has(submission))

/** The submissions of which more than one event or mail arrived. */
const doubled = (sent: Sent) => [...sent].flatMap(([submission, ids]) => (ids.size > 1 ? [submission] : []))

const DemoFile = Schema.fromJsonString(
  Schema.Struct({
    website_config_id: Schema.String,
    tracking_token: Schema.String,
    instance_id: Schema.String,
    widget_token: Schema.String
  })
)

const demoFolder = Effect.acquireRelease(
  Effect.sync(() => {
    const made = mkdtempSync(path.join(ServerFiles.folder(), "hydracore-demo-"))
    // As root, the demo runs PostgreSQL as another user.
    chmodSync(made, 0o711)
    PreparedCluster.copyTo(path.join(made, "postgres"))
    return made
  }),
  (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
)

it.live("kill -9 of the demo, also together with its PostgreSQL, loses nothing acknowledged", () =>
  Effect.gen(function* () {
    const folder = yield* demoFolder
    const begin = Process.start("demo", { HYDRACORE_DATA_DIR: folder })
    let demo = yield* begin
    const ids = yield* Schema.decodeEffect(DemoFile)(readFileSync(path.join(folder, "demo.json"), "utf8"))
    const target = {
      websiteConfigId: ids.website_config_id,
      trackingToken: ids.tracking_token,
      instanceId: ids.instance_id,
      widgetToken: ids.widget_token
    }
    const load = yield* Load.start({ url: () => demo.url, target, clients: visitors, pace })
    const served = Effect.suspend(() => {
      const before = load.acknowledged()
      return until("requests are acknowledged", () => load.acknowledged() > before + rounds * visitors)
    })
    for (const isWhole of [false, true]) {
      yield* served
      const members = isWhole ? ProcessTree.family(demo.pid) : [demo.pid]
      // The youngest first: otherwise a parent could shut its children down.
      ProcessTree.signalAll(members.toReversed(), "SIGKILL")
      yield* until("the demo has ended", () => !members.some(ProcessTree.isAlive))
      demo = yield* begin
    }
    yield* served
    yield* load.stop
    const database = /database +(postgresql:\S+)/.exec(demo.output())?.[1] ?? ""
    checkAccount(reconcile(load.ledger, yield* rowsOf(database, load.run)))
  }).pipe(Effect.scoped)
)

layer(stage, { excludeTestServices: true, timeout: "5 minutes" })("faults", (it) => {
  it.effect("kill -9 of the service loses nothing acknowledged", () =>
    Effect.gen(function* () {
      const { service, start } = yield* Stage
      const { account } = yield* underLoad(() =>
        Effect.gen(function* () {
          yield* service().signal("SIGKILL")
          yield* start()
        })
      )
      assert.isAbove(account.cut + account.unsent, 0)
    })
  )

  it.effect("a restart of PostgreSQL fails no request, and a crash loses nothing acknowledged", () =>
    Effect.gen(function* () {
      const { postgres } = yield* Stage
      const { result } = yield* underLoad(({ outcomes, served }) =>
        Effect.gen(function* () {
          yield* postgres.restart
          yield* served
          const restarted = outcomes()
          yield* postgres.crash
          return restarted
        })
      )
      assert.deepStrictEqual(result, new Set(["acknowledged"]))
    })
  )

  it.effect("SIGTERM leaves no accepted request unanswered, and ends every stream with its last frame", () =>
    Effect.gen(function* () {
      const { service, start, target } = yield* Stage
      const { account, chats, result } = yield* underLoad(() =>
        Effect.gen(function* () {
          const ending = service()
          let hasBegun = false
          const onBegin = () => {
            hasBegun = true
          }
          const stream = yield* Effect.forkScoped(
            Effect.promise(() => Chats.chat(ending.url, target, endless, onBegin))
          )
          yield* until("the stream has begun", () => hasBegun)
          yield* ending.signal("SIGTERM")
          const begun = performance.now()
          const ended = yield* ending.ended
          assert.isBelow(performance.now() - begun, grace + 30_000)
          assert.deepStrictEqual(ended, { code: 0, signal: null }, ending.output().slice(-2000))
          // The following tests need workers.
          yield* start("--workers", "2")
          return yield* Fiber.join(stream)
        })
      )
      assert.deepInclude(result, { status: 200, finish: "error" })
      assert.deepStrictEqual([account.cut, account.unavailable], [0, 0])
      // All these answers end within the grace period.
      for (const { conversationId, finish } of chats)
        if (conversationId !== undefined) assert.strictEqual(finish, "stop")
    })
  )

  it.effect("a reload of the workers fails no request, and kill -9 of a worker loses only its open requests", () =>
    Effect.gen(function* () {
      const { service } = yield* Stage
      const { output, pid, signal } = service()
      const before = ProcessTree.children(pid)
      const { account } = yield* underLoad(({ chats, outcomes, served }) =>
        Effect.gen(function* () {
          yield* signal("SIGHUP")
          yield* until("all workers are replaced", () => output().includes("All workers are replaced"))
          yield* served
          assert.deepStrictEqual(outcomes(), new Set(["acknowledged"]))
          assert.deepStrictEqual(
            chats.filter(({ finish }) => finish !== "stop"),
            []
          )
          const after = ProcessTree.children(pid)
          assert.lengthOf(after, 2)
          assert.isFalse(after.some((worker) => before.includes(worker)))
          ProcessTree.signalAll(after.slice(0, 1), "SIGKILL")
          yield* until("another worker serves", () => output().includes("serves again"))
        })
      )
      assert.isAtMost(account.cut, visitors)
      assert.deepStrictEqual([account.unsent, account.unavailable, account.refused], [0, 0, 0])
    })
  )

  it.effect("kill -9 of the primary ends the workers, after they have answered", () =>
    Effect.gen(function* () {
      const { service, start, target } = yield* Stage
      const { pid, signal, url } = service()
      const workers = ProcessTree.children(pid)
      const messages = ["one", "two", "three", "four"]
      const begun = new Set<string>()
      const chats = yield* Effect.forkScoped(
        Effect.promise(() =>
          Promise.all(messages.map((message) => Chats.chat(url, target, message, () => begun.add(message))))
        )
      )
      yield* until("all answers have begun", () => begun.size === messages.length)
      yield* signal("SIGKILL")
      yield* until("nobody listens", async () => !(await isListening(url)))
      const seen = yield* Fiber.join(chats)
      assert.deepStrictEqual(
        seen.map(({ finish }) => finish),
        ["stop", "stop", "stop", "stop"]
      )
      yield* until("the workers have ended", () => !workers.some(ProcessTree.isAlive))
      yield* Chats.checkStored((yield* start()).url, target, seen)
    }).pipe(Effect.scoped)
  )

  // Last: a delivery that a killed process had begun is continued within 30 seconds.
  it.effect("every acknowledged submission arrives in one event and in one mail", () =>
    Effect.gen(function* () {
      const { acknowledged, events, mails } = yield* Stage
      assert.isAbove(acknowledged.sent.size, 50)
      assert.isAbove(acknowledged.mailed.size, 10)
      yield* until(
        () =>
          `all events arrive; missing are ${missing(acknowledged.sent, events).length} of ${acknowledged.sent.size}`,
        () => missing(acknowledged.sent, events).length === 0
      )
      yield* until(
        () =>
          `all mails arrive; missing are ${missing(acknowledged.mailed, mails).length} of ${acknowledged.mailed.size}`,
        () => missing(acknowledged.mailed, mails).length === 0
      )
      assert.deepStrictEqual([doubled(events), doubled(mails)], [[], []])
    })
  )
})
