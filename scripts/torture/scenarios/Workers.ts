/**
 * `serve --workers` under load: workers that are killed or replaced, and a primary that is killed.
 *
 * @module
 */
import assert from "node:assert/strict"
import { Context, Effect, Layer } from "effect"
import * as Agent from "../../../test/support/ControlledAgent.ts"
import * as Process from "../../../test/support/Process.ts"
import * as ProcessTree from "../../../test/support/ProcessTree.ts"
import { until } from "../../../test/support/Wait.ts"
import * as Load from "../Load.ts"
import * as Rows from "../Rows.ts"
import * as Store from "../Store.ts"
import { checkAccount, type Figures } from "./Figures.ts"
import { chat, type Running } from "./Shutdown.ts"

const clients = 16

/** A service with workers, which scenarios share; a scenario that ends the service comes last. */
export class Bench extends Context.Service<Bench, Running & { readonly workers: number }>()(
  "hydracore/torture/WorkersBench"
) {}

/** A service with this number of workers. */
export const bench = (options: {
  readonly database: Rows.Database
  readonly workers: number
  readonly environment?: Readonly<Record<string, string>>
}): Layer.Layer<Bench> =>
  Layer.effect(
    Bench,
    Effect.gen(function* () {
      const { environment, workers } = options
      const database = yield* options.database
      const agent = yield* Agent.start
      const target = yield* Store.prepare(database, agent.url)
      const service = yield* Process.start("serve", { DATABASE_URL: database, ...environment }, [
        "--workers",
        `${workers}`
      ])
      return Bench.of({ database, agent, target, service, workers })
    })
  )

interface Options extends Load.Paced {
  readonly rounds: number
}

/** The processes of a service's workers, oldest first. */
export const workersOf = ({ pid }: Process.Process): ReadonlyArray<number> => ProcessTree.children(pid)

/** Counts how many times a service logs these words from now on. */
const counter = (service: Process.Process, words: string): (() => number) => {
  const count = () => service.output().split(words).length - 1
  const before = count()
  return () => count() - before
}

/**
 * SIGHUP under load, with and without keep-alive: all workers are replaced, no request fails, and an open stream continues to
 * its end.
 */
export const hangup = Effect.fnUntraced(function* (options: Options) {
  const { agent, database, service, target, workers } = yield* Bench
  const [ending, replaced] = [counter(service, "the old one ends"), counter(service, "All workers are replaced")]
  const loads = yield* Effect.forEach([true, false], (keepAlive) =>
    Load.start({
      url: () => service.url,
      target,
      clients: clients / 2,
      keepAlive,
      distinctVisitors: true,
      pace: options.pace
    })
  )
  for (let round = 1; round <= options.rounds; round++) {
    const before = workersOf(service)
    const message = `hangup ${round}`
    const stream = chat(service.url, target, message)
    yield* until("the stream has begun", () => stream.text().includes("Well"))
    yield* service.signal("SIGHUP")
    // The worker with the open stream ends only after the stream.
    yield* until("a worker is replaced", () => ending() > (round - 1) * workers, 60_000)
    assert.doesNotMatch(stream.text(), /DONE/)
    agent.finish(message)
    yield* stream.ended
    assert.match(stream.text(), /"finishReason":"stop"/)
    assert.ok(stream.text().endsWith("data: [DONE]\n\n"))
    yield* until("all workers are replaced", () => replaced() === round, 60_000)
    const after = workersOf(service)
    assert.equal(after.length, workers)
    assert.deepEqual(
      after.filter((pid) => before.includes(pid)),
      []
    )
  }
  const figures: Array<ReturnType<typeof checkAccount>> = []
  for (const load of loads) {
    const acknowledged = load.acknowledged()
    yield* until("requests are acknowledged", () => load.acknowledged() > acknowledged)
    yield* load.stop
    const account = yield* Rows.account(database, load)
    assert.deepEqual(Object.keys(account.statuses).toSorted(), ["200", "204"], service.output().slice(-2000))
    figures.push(checkAccount(account))
  }
  const sum = (name: "requests" | "rows") => figures.reduce((total, each) => total + each[name], 0)
  return {
    restarts: options.rounds * workers,
    requests: sum("requests"),
    rows: sum("rows"),
    failed: 0
  } satisfies Figures
}, Effect.scoped)

/**
 * `kill -9` of one worker after another under load: only the open requests of the killed worker are lost, no connection is
 * refused, and another worker replaces the killed one.
 */
export const killed = Effect.fnUntraced(function* (options: Options) {
  const { database, service, target, workers } = yield* Bench
  const restarted = counter(service, "serves again")
  const load = yield* Load.start({
    url: () => service.url,
    target,
    clients,
    distinctVisitors: true,
    pace: options.pace
  })
  for (let round = 1; round <= options.rounds; round++) {
    const before = load.acknowledged()
    yield* until("requests are acknowledged", () => load.acknowledged() > before + 10 * clients)
    const [oldest] = workersOf(service)
    ProcessTree.signalAll([oldest!], "SIGKILL")
    yield* until("the restarted worker serves", () => restarted() === round, 60_000)
    assert.equal(workersOf(service).length, workers)
  }
  const before = load.acknowledged()
  yield* until("requests are acknowledged", () => load.acknowledged() > before + 10 * clients)
  yield* load.stop
  const account = yield* Rows.account(database, load)
  assert.ok(account.cut <= options.rounds * clients, `${account.cut} requests were cut off`)
  assert.deepEqual([account.unsent, account.unavailable, account.refused], [0, 0, 0])
  return { kills: options.rounds, ...checkAccount(account) } satisfies Figures
}, Effect.scoped)

/** Ends the service by SIGTERM. */
export const end = Effect.gen(function* () {
  const { service } = yield* Bench
  yield* service.signal("SIGTERM")
  assert.deepEqual(yield* service.ended, { code: 0, signal: null })
})

/** `kill -9` of the primary: the workers complete their open requests and end. */
export const orphaned = Effect.gen(function* () {
  const { agent, service, target } = yield* Bench
  const workers = workersOf(service)
  const chats = workers.map((pid) => ({ message: `orphan ${pid}`, ...chat(service.url, target, `orphan ${pid}`) }))
  yield* until("the streams have begun", () => chats.every(({ text }) => text().includes("Well")))
  yield* service.signal("SIGKILL")
  yield* until("nobody listens", () =>
    fetch(`${service.url}/healthz`).then(
      () => false,
      () => true
    )
  )
  for (const { ended, message, text } of chats) {
    agent.finish(message)
    yield* ended
    assert.match(text(), /"finishReason":"stop"/)
  }
  yield* until("the workers have ended", () => workers.every((pid) => !ProcessTree.isAlive(pid)))
  return { workers: workers.length, "left over": 0 } satisfies Figures
})
