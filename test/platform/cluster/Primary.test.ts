import { createServer } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import * as ProcessTree from "../../support/ProcessTree.ts"
import { ended, make, started, valueOf } from "../../support/TestPrimary.ts"
import { until } from "../../support/Wait.ts"

describe.concurrent("platform/cluster/Primary", () => {
  it.live("all workers accept connections, and end with the scope", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const cluster = yield* Scope.provide(started({ workers: 3 }), scope)
      const slots = new Set<number>()
      yield* until("all workers answer", async () => {
        for (const { from, slot } of await Effect.runPromise(cluster.askOften)) {
          assert.strictEqual(from, "127.0.0.1")
          slots.add(slot)
        }
        return slots.size === 3
      })
      assert.deepStrictEqual([...slots].sort(), [1, 2, 3])
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(ended(cluster.pids)())
      assert.strictEqual(cluster.pids.length, 3)
    })
  )

  for (const [behaviour, fault, message] of [
    ["fails", "reports a failure", "No luck today."],
    ["dies", "exits", "A worker ended before it served, with code 7."],
    ["delays", "does not serve in time", "A worker did not serve in time."],
    ["fork-throws", "cannot be started for lack of memory", "The system cannot start a worker process (ENOMEM)."],
    [
      "fork-emits-error",
      "cannot be started for lack of a program",
      "The system cannot start a worker process (ENOENT)."
    ]
  ] as const) {
    it.live(`the start fails, and no other worker is started, if the first worker ${fault}`, () =>
      Effect.gen(function* () {
        const cluster = yield* Effect.scoped(
          make({ workers: 3, behave: () => behaviour, startTimeoutMillis: behaviour === "delays" ? 500 : 20_000 })
        )
        assert.include(String(cluster.primary), message)
        assert.strictEqual(cluster.pids.length, 1)
        assert.isTrue(ended(cluster.pids)())
      })
    )
  }

  it.live("the start also fails if a later worker does not start", () =>
    Effect.gen(function* () {
      const behave = (nth: number) => (nth === 3 ? "dies" : "serves")
      const cluster = yield* Effect.scoped(make({ workers: 3, behave }))
      assert.include(String(cluster.primary), "with code 7")
      assert.isTrue(ended(cluster.pids)())
    })
  )

  it.live("the start fails with CannotListen if the port is in use, and no worker is started", () =>
    Effect.gen(function* () {
      const other = createServer()
      yield* Effect.acquireRelease(
        Effect.promise(() => new Promise<void>((resolve) => other.listen(0, "127.0.0.1", () => resolve()))),
        () => Effect.sync(() => other.close())
      )
      const address = other.address()
      assert.isTrue(typeof address === "object" && address !== null)
      const port = typeof address === "object" && address !== null ? address.port : 0
      const cluster = yield* make({ workers: 2, port })
      assert.include(String(cluster.primary), "CannotListen")
      assert.deepStrictEqual(cluster.pids, [])
    })
  )

  it.live("restarts a worker that dies, retrying until one serves", () =>
    Effect.gen(function* () {
      const behave = (nth: number) => (nth === 3 || nth === 4 ? "dies" : "serves")
      const cluster = yield* started({ workers: 2, behave })
      ProcessTree.signalAll([cluster.pids[0]!], "SIGKILL")
      yield* until("the fifth worker serves", () => cluster.lines.some((line) => line.includes("serves again")))
      assert.strictEqual(cluster.pids.length, 5)
      assert.deepStrictEqual(
        cluster.lines.map((line) => line.slice(0, 40)),
        [
          'Warn ["Worker 1 ended by SIGKILL; starti',
          'Error ["Worker 1 could not be started: A',
          'Error ["Worker 1 could not be started: A',
          'Info ["Worker 1 serves again"]'
        ]
      )
      const snapshot = yield* cluster.snapshot
      assert.strictEqual(valueOf(snapshot, "workers"), 2)
      assert.strictEqual(valueOf(snapshot, "worker_restarts_total"), 1)
      const pids = new Set<number>()
      yield* until("both workers answer", () =>
        Effect.runPromise(cluster.ask).then(({ pid }) => {
          pids.add(pid)
          return pids.has(cluster.pids[1]!) && pids.has(cluster.pids[4]!)
        })
      )
    }).pipe(Effect.scoped)
  )

  it.live("tells all workers that they drain, also one that starts later", () =>
    Effect.gen(function* () {
      const cluster = yield* started({ workers: 2 })
      assert.isFalse((yield* cluster.ask).isDraining)
      yield* cluster.drain
      ProcessTree.signalAll([cluster.pids[0]!], "SIGKILL")
      yield* until("the third worker serves", () => cluster.lines.some((line) => line.includes("serves again")))
      const pids = new Set<number>()
      yield* until("both workers drain", async () => {
        for (const { isDraining, pid } of await Effect.runPromise(cluster.askOften)) if (isDraining) pids.add(pid)
        return pids.size === 2
      })
      assert.sameMembers([...pids], cluster.pids.slice(1))
    }).pipe(Effect.scoped)
  )

  it.live("retries when the system cannot spawn a process, and can replace the worker afterwards", () =>
    Effect.gen(function* () {
      const cluster = yield* started({ workers: 2, behave: (nth) => (nth === 3 ? "fork-throws" : "serves") })
      ProcessTree.signalAll([cluster.pids[0]!], "SIGKILL")
      yield* until("the fourth worker serves", () => cluster.lines.some((line) => line.includes("serves again")))
      assert.deepStrictEqual(cluster.lines, [
        'Warn ["Worker 1 ended by SIGKILL; starting another"]',
        'Error ["Worker 1 could not be started: The system cannot start a worker process (ENOMEM)."]',
        'Info ["Worker 1 serves again"]'
      ])
      yield* cluster.replaceAll
      assert.strictEqual(cluster.pids.length, 6)
    }).pipe(Effect.scoped)
  )

  it.live("a worker that hangs accepts no connections", () =>
    Effect.gen(function* () {
      const cluster = yield* started({ workers: 2, endTimeoutMillis: 200 })
      ProcessTree.signalAll([cluster.pids[0]!], "SIGSTOP")
      const answers = yield* cluster.askOften
      assert.isTrue(answers.every(({ pid }) => pid === cluster.pids[1]))
    }).pipe(Effect.scoped)
  )

  it.live("connections queue while there is no worker", () =>
    Effect.gen(function* () {
      const cluster = yield* started({ workers: 1 })
      ProcessTree.signalAll([cluster.pids[0]!], "SIGKILL")
      yield* until("the worker has ended", ended(cluster.pids))
      const { pid } = yield* cluster.ask
      assert.strictEqual(pid, cluster.pids[1])
    }).pipe(Effect.scoped)
  )

  it.live("replaces the workers one by one, each by a worker that already serves", () =>
    Effect.gen(function* () {
      const cluster = yield* started({ workers: 2 })
      yield* cluster.replaceAll
      assert.strictEqual(cluster.pids.length, 4)
      assert.isTrue(ended(cluster.pids.slice(0, 2))())
      assert.isFalse(cluster.pids.slice(2).some((pid) => !ProcessTree.isAlive(pid)))
      assert.isTrue(cluster.pids.slice(2).includes((yield* cluster.ask).pid))
      assert.strictEqual(valueOf(yield* cluster.snapshot, "worker_restarts_total"), 0)
    }).pipe(Effect.scoped)
  )

  it.live("keeps the old workers if a new worker cannot serve, and replaces one that then gets SIGTERM", () =>
    Effect.gen(function* () {
      const cluster = yield* started({ workers: 2, behave: (nth) => (nth === 3 ? "fails" : "serves") })
      yield* cluster.replaceAll
      assert.strictEqual(cluster.pids.length, 3)
      assert.isTrue(cluster.pids.slice(0, 2).every(ProcessTree.isAlive))
      assert.isTrue(cluster.lines.some((line) => /^Error .*could not be replaced: No luck today/.test(line)))
      assert.include(cluster.pids.slice(0, 2), (yield* cluster.ask).pid)
      const first = cluster.pids.slice(0, 1)
      ProcessTree.signalAll(first, "SIGTERM")
      yield* until("the first worker is replaced", ended(first))
      assert.strictEqual(cluster.pids.length, 4)
    }).pipe(Effect.scoped)
  )

  /** Two workers, of which the first dies while its slow replacement starts. The second answers meanwhile. */
  const deadWhileReplaced = Effect.gen(function* () {
    const cluster = yield* started({ workers: 2, behave: (nth) => (nth === 3 ? "delays" : "serves") })
    const replacing = yield* Effect.forkChild(cluster.replaceAll)
    yield* until("the third worker is started", () => cluster.pids.length === 3)
    ProcessTree.signalAll([cluster.pids[0]!], "SIGKILL")
    const died = 'Warn ["Worker 1 ended by SIGKILL; starting another"]'
    yield* until("the worker's death is logged", () => cluster.lines.includes(died))
    assert.strictEqual(valueOf(yield* cluster.snapshot, "workers"), 1)
    const answers = yield* Effect.all(
      Array.from({ length: 4 }, () => cluster.ask),
      { concurrency: "unbounded" }
    )
    for (const { pid } of answers) assert.strictEqual(pid, cluster.pids[1])
    // The third worker is still starting.
    const before = ['Info ["Replacing all workers"]', died]
    assert.deepStrictEqual(cluster.lines, before)
    return { ...cluster, replacing, since: () => cluster.lines.slice(before.length) }
  })

  it.live("a worker that dies while its replacement starts gets no more connections", () =>
    Effect.gen(function* () {
      const cluster = yield* deadWhileReplaced
      yield* until("the third worker serves", () => {
        ProcessTree.signalAll([cluster.pids[2]!], "SIGCONT")
        return cluster.since().length > 0
      })
      yield* until("all workers are replaced", () => cluster.replacing.pollUnsafe())
      assert.deepStrictEqual(cluster.since(), [
        'Info ["A new worker 1 serves"]',
        'Info ["A new worker 2 serves"]',
        'Info ["All workers are replaced"]'
      ])
      const snapshot = yield* cluster.snapshot
      assert.strictEqual(valueOf(snapshot, "workers"), 2)
      assert.strictEqual(valueOf(snapshot, "worker_restarts_total"), 1)
    }).pipe(Effect.scoped)
  )

  it.live("a worker that dies while its replacement fails to start is restarted", () =>
    Effect.gen(function* () {
      const cluster = yield* deadWhileReplaced
      ProcessTree.signalAll([cluster.pids[2]!], "SIGKILL")
      yield* until("the fourth worker serves", () => cluster.lines.some((line) => line.includes("serves again")))
      assert.deepStrictEqual(cluster.since(), [
        'Error ["Worker 1 could not be replaced: A worker ended before it served, by SIGKILL."]',
        'Error ["The other workers are not replaced"]',
        'Info ["Worker 1 serves again"]'
      ])
      assert.isTrue([cluster.pids[1]!, cluster.pids[3]!].every(ProcessTree.isAlive))
      assert.strictEqual(valueOf(yield* cluster.snapshot, "workers"), 2)
    }).pipe(Effect.scoped)
  )

  it.live("replaces a worker that gets SIGTERM, once however often it gets it", () =>
    Effect.gen(function* () {
      const behave = (nth: number) => (nth === 1 ? "stays" : nth === 3 ? "delays" : "serves")
      const cluster = yield* started({ workers: 2, behave, endTimeoutMillis: 2_000 })
      const old = [cluster.pids[0]!]
      ProcessTree.signalAll(old, "SIGTERM")
      yield* until("the third worker is started", () => cluster.pids.length === 3)
      ProcessTree.signalAll(old, "SIGTERM")
      yield* until("the third worker serves", () => {
        ProcessTree.signalAll([cluster.pids[2]!], "SIGCONT")
        return cluster.lines.some((line) => line.includes("A new worker 1 serves"))
      })
      ProcessTree.signalAll(old, "SIGTERM")
      yield* until("the old worker has ended", ended(old))
      assert.strictEqual(cluster.pids.length, 3)
      assert.strictEqual(valueOf(yield* cluster.snapshot, "workers"), 2)
    }).pipe(Effect.scoped)
  )

  it.live("kills a worker that does not end in time", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const cluster = yield* Scope.provide(started({ workers: 2, behave: () => "stays", endTimeoutMillis: 200 }), scope)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(ended(cluster.pids)())
    })
  )

  it.live("sums the metrics of the workers, including those that have ended", () =>
    Effect.gen(function* () {
      const cluster = yield* started({ workers: 2 })
      yield* Effect.replicateEffect(cluster.ask, 10)
      const before = yield* cluster.snapshot
      assert.strictEqual(valueOf(before, "http_requests_total"), 10)
      assert.strictEqual(valueOf(before, "http_connections"), 2)
      yield* cluster.replaceAll
      yield* Effect.replicateEffect(cluster.ask, 4)
      assert.strictEqual(valueOf(yield* cluster.snapshot, "http_requests_total"), 14)
      ProcessTree.signalAll([cluster.pids[2]!], "SIGKILL")
      yield* until("the worker has ended", ended([cluster.pids[2]!]))
      yield* Effect.replicateEffect(cluster.ask, 5)
      yield* until(
        "two workers have connections again",
        async () => valueOf(await Effect.runPromise(cluster.snapshot), "http_connections") === 2
      )
      assert.strictEqual(valueOf(yield* cluster.snapshot, "http_requests_total"), 19)
    }).pipe(Effect.scoped)
  )
})
