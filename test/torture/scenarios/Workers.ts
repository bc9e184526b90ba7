/**
 * `serve --workers` under load: workers that are killed or replaced, and a primary that is killed.
 *
 * @module
 */
import assert from "node:assert/strict"
import { Effect } from "effect"
import * as Upstream from "../../support/TestUpstream.ts"
import { until } from "../../support/Wait.ts"
import * as Cluster from "../Cluster.ts"
import * as Load from "../Load.ts"
import * as Process from "../Process.ts"
import * as Store from "../Store.ts"
import { demandWhole, type Figures } from "./Figures.ts"
import { chat } from "./Shutdown.ts"

const clients = 16

interface Options extends Load.Paced {
  readonly rounds: number
  readonly workers: number
}

/** The processes of a service's workers, oldest first. */
export const workersOf = ({ pid }: Process.Process): ReadonlyArray<number> => Cluster.children(pid)

const times = (service: Process.Process, words: string): number => service.output().split(words).length - 1

/**
 * SIGHUP under load, with and without keep-alive: all workers are replaced, no request fails, and an open stream continues to
 * its end.
 */
export const hangup = Effect.fnUntraced(function* (options: Options) {
  const cluster = yield* Cluster.make()
  let finish: () => void = () => {}
  const upstream = yield* Upstream.start((_, response) => {
    response.writeHead(200, Upstream.sse)
    response.write(Upstream.says("Well"))
    finish = () => void response.end(Upstream.finishes("stop"))
  })
  const target = yield* Store.prepare(cluster.url, upstream.url)
  const service = yield* Process.start("serve", { DATABASE_URL: cluster.url }, ["--workers", `${options.workers}`])
  const loads = yield* Effect.forEach([true, false], (keepAlive) =>
    Load.start({ url: () => service.url, target, clients: clients / 2, keepAlive, pace: options.pace })
  )
  for (let round = 1; round <= options.rounds; round++) {
    const before = workersOf(service)
    const stream = chat(service.url, target, "hello")
    yield* until("the stream has begun", () => stream.text().includes("Well"))
    yield* service.signal("SIGHUP")
    // An old worker with the open stream ends only after it.
    yield* until("a worker is new", () => times(service, "the old one ends") > (round - 1) * options.workers, 60_000)
    assert.doesNotMatch(stream.text(), /DONE/)
    finish()
    yield* stream.ended
    assert.match(stream.text(), /"finishReason":"stop"/)
    assert.ok(stream.text().endsWith("data: [DONE]\n\n"))
    yield* until("all workers are replaced", () => times(service, "All workers are replaced") === round, 60_000)
    const after = workersOf(service)
    assert.equal(after.length, options.workers)
    assert.deepEqual(
      after.filter((pid) => before.includes(pid)),
      []
    )
  }
  const figures: Array<ReturnType<typeof demandWhole>> = []
  for (const load of loads) {
    const acknowledged = load.acknowledged()
    yield* until("requests are acknowledged", () => load.acknowledged() > acknowledged)
    yield* load.stop
    const account = yield* Store.account(cluster, load)
    assert.deepEqual(Object.keys(account.statuses).toSorted(), ["200", "204"], service.output().slice(-2000))
    figures.push(demandWhole(account))
  }
  yield* service.signal("SIGTERM")
  assert.deepEqual(yield* service.ended, { code: 0, signal: null })
  const sum = (name: "requests" | "rows") => figures.reduce((total, each) => total + each[name], 0)
  return {
    restarts: options.rounds * options.workers,
    requests: sum("requests"),
    rows: sum("rows"),
    failed: 0
  } satisfies Figures
}, Effect.scoped)

/**
 * `kill -9` of the workers one by one under load: only their open requests are lost, no connection is refused, and each is
 * restarted.
 */
export const killed = Effect.fnUntraced(function* (options: Options) {
  const cluster = yield* Cluster.make()
  const target = yield* Store.prepare(cluster.url)
  const service = yield* Process.start("serve", { DATABASE_URL: cluster.url }, ["--workers", `${options.workers}`])
  const load = yield* Load.start({ url: () => service.url, target, clients, pace: options.pace })
  for (let round = 1; round <= options.rounds; round++) {
    const before = load.acknowledged()
    yield* until("requests are acknowledged", () => load.acknowledged() > before + 10 * clients)
    const [oldest] = workersOf(service)
    Cluster.signalAll([oldest!], "SIGKILL")
    yield* until("the restarted worker serves", () => times(service, "serves again") === round, 60_000)
    assert.equal(workersOf(service).length, options.workers)
  }
  const before = load.acknowledged()
  yield* until("requests are acknowledged", () => load.acknowledged() > before + 10 * clients)
  yield* load.stop
  const account = yield* Store.account(cluster, load)
  assert.ok(account.cut <= options.rounds * clients, `${account.cut} requests were cut off`)
  assert.deepEqual([account.unsent, account.unavailable, account.refused], [0, 0, 0])
  yield* service.signal("SIGTERM")
  assert.deepEqual(yield* service.ended, { code: 0, signal: null })
  return { kills: options.rounds, ...demandWhole(account) } satisfies Figures
}, Effect.scoped)

/** `kill -9` of the primary: the workers complete their open requests and end. */
export const orphaned = Effect.fnUntraced(function* (options: { readonly workers: number }) {
  const cluster = yield* Cluster.make()
  const streams: Array<() => void> = []
  const upstream = yield* Upstream.start((_, response) => {
    response.writeHead(200, Upstream.sse)
    response.write(Upstream.says("Well"))
    streams.push(() => void response.end(Upstream.finishes("stop")))
  })
  const target = yield* Store.prepare(cluster.url, upstream.url)
  const service = yield* Process.start("serve", { DATABASE_URL: cluster.url }, ["--workers", `${options.workers}`])
  const workers = workersOf(service)
  const chats = workers.map(() => chat(service.url, target, "hello"))
  yield* until("the streams have begun", () => chats.every(({ text }) => text().includes("Well")))
  yield* service.signal("SIGKILL")
  yield* until("nobody listens", () =>
    fetch(`${service.url}/healthz`).then(
      () => false,
      () => true
    )
  )
  for (const end of streams) end()
  for (const { ended, text } of chats) {
    yield* ended
    assert.match(text(), /"finishReason":"stop"/)
  }
  yield* until("the workers have ended", () => workers.every((pid) => !Cluster.isAlive(pid)))
  return { workers: workers.length, "left over": 0 } satisfies Figures
}, Effect.scoped)
