/**
 * A long mixed load: memory, handles and latency stay flat.
 *
 * @module
 */
import assert from "node:assert/strict"
import { Effect, Fiber } from "effect"
import * as Process from "../../../test/support/Process.ts"
import * as Upstream from "../../../test/support/TestUpstream.ts"
import { pause, until } from "../../../test/support/Wait.ts"
import { quantile } from "../../bench/harness/Statistics.ts"
import { agents, respond } from "../Agents.ts"
import * as Load from "../Load.ts"
import * as Rows from "../Rows.ts"
import * as Store from "../Store.ts"
import { checkAccount, type Figures, rounded } from "./Figures.ts"
import * as Visitors from "./Visitors.ts"

export interface Options {
  readonly database: Rows.Database
  readonly seconds: number
  /** The allowed growth of memory from the second to the last part: a factor, and MiB beyond it. */
  readonly memory: readonly [factor: number, more: number]
  /** The allowed growth of the median latency, in milliseconds. If absent, as on a shared machine, it is not checked. */
  readonly latency?: readonly [factor: number, more: number]
}

/** The measurements of one part. */
interface Part {
  readonly rss: ReadonlyArray<number>
  readonly millis: ReadonlyArray<number>
}

/** Chats with each agent in turn, and disconnects after 30 ms in every third chat. */
const chatting = (url: string, target: Load.Target, going: () => boolean) =>
  Effect.promise(async () => {
    let chats = 0
    while (going()) {
      for (const name of Object.keys(agents)) {
        if (!going()) break
        const leave = new AbortController()
        if (chats++ % 3 === 0) setTimeout(() => leave.abort(), 30)
        try {
          const response = await fetch(`${url}/v1/public/widget/${target.instanceId}/chat`, {
            method: "POST",
            signal: leave.signal,
            headers: { "content-type": "application/json", "x-widget-token": target.widgetToken },
            body: JSON.stringify({ message: name })
          })
          await response.text()
          assert.ok([200, 502, 504].includes(response.status), `${name}: ${response.status}`)
        } catch (error) {
          if (!leave.signal.aborted) throw error
        }
      }
    }
    return chats
  })

export const soak = Effect.fnUntraced(function* (options: Options) {
  const database = yield* options.database
  const upstream = yield* Upstream.start((received, response) => {
    if (received.body.includes("endless")) return agents["never ends"]?.respond(received, response)
    respond(received, response)
  })
  const target = yield* Store.prepare(database, upstream.url)
  const service = yield* Process.start("serve", {
    DATABASE_URL: database,
    AGENT_TIMEOUT: "500 millis",
    CHAT_MAX_BYTES: "200 KiB"
  })
  const handlesAtRest = service.gauge()?.handles ?? 0
  const load = yield* Load.start({ url: () => service.url, target, clients: 8, pace: 5 })
  let going = true
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      going = false
    })
  )
  const chatClient = yield* Effect.forkChild(chatting(service.url, target, () => going))
  const visiting = yield* Effect.forkChild(
    Effect.whileLoop({
      while: () => going,
      body: () =>
        Effect.forEach(
          Object.values(Visitors.quick),
          (visitor) => Effect.scoped(visitor({ port: service.port, target })),
          { discard: true }
        ),
      step: () => {}
    })
  )

  const parts: Array<Part> = []
  const count = 6
  for (let index = 0; index < count; index++) {
    const rss: Array<number> = []
    const before = new Set(load.ledger.keys())
    const samples = Math.max(4, Math.round(options.seconds / count))
    for (let sample = 0; sample < samples; sample++) {
      yield* pause((options.seconds * 1000) / count / samples)
      rss.push(service.gauge()?.rss ?? 0)
    }
    parts.push({
      rss,
      millis: [...load.ledger].filter(([mark]) => !before.has(mark)).map(([, { millis }]) => millis)
    })
  }
  going = false
  const chatCount = yield* Fiber.join(chatClient)
  yield* Fiber.join(visiting)
  yield* load.stop
  yield* until(
    "descriptors are released",
    () => (service.gauge()?.handles ?? 0) <= handlesAtRest + 16 && upstream.connections() === 0,
    90_000
  )
  const account = yield* Rows.account(database, load)
  assert.equal(account.unavailable + account.cut + account.unsent, 0, "every request was answered")
  const figures = checkAccount(account)
  // The first part is the warm-up: code is compiled and buffers reach their size.
  const [early, late] = [parts[1]!, parts[count - 1]!]
  const memory = [early, late].map((part) => quantile(part.rss, 0.5)) as [number, number]
  const latency = [early, late].map((part) => quantile(part.millis, 0.5)) as [number, number]
  const [memoryFactor, moreMiB] = options.memory
  assert.ok(memory[1] <= memory[0] * memoryFactor + moreMiB, `memory grew from ${memory[0]} to ${memory[1]} MiB`)
  if (options.latency !== undefined) {
    const [latencyFactor, moreMillis] = options.latency
    assert.ok(
      latency[1] <= latency[0] * latencyFactor + moreMillis,
      `the median went from ${latency[0]} to ${latency[1]} ms`
    )
  }
  return {
    seconds: options.seconds,
    requests: figures.requests,
    chats: chatCount,
    lost: figures.lost,
    "MiB early": rounded(memory[0]),
    "MiB late": rounded(memory[1]),
    "p50 ms early": Number(latency[0].toFixed(1)),
    "p50 ms late": Number(latency[1].toFixed(1)),
    "p99 ms late": Number(quantile(late.millis, 0.99).toFixed(1)),
    "handles at rest": `${handlesAtRest}, then ${service.gauge()?.handles ?? 0}`
  } satisfies Figures
}, Effect.scoped)
