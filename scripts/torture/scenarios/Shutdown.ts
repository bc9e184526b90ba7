/**
 * SIGTERM under load, and two services behind nginx that are restarted in turn.
 *
 * @module
 */
import assert from "node:assert/strict"
import { Effect } from "effect"
import * as Agent from "../../../test/support/ControlledAgent.ts"
import * as Ports from "../../../test/support/Ports.ts"
import * as Process from "../../../test/support/Process.ts"
import { pause, until } from "../../../test/support/Wait.ts"
import * as Load from "../Load.ts"
import * as Nginx from "../Nginx.ts"
import * as Rows from "../Rows.ts"
import * as Store from "../Store.ts"
import { checkAccount, type Figures, rounded } from "./Figures.ts"

const clients = 16

/** How much longer than the grace period a service may take to end on a busy machine, in milliseconds. */
const slack = 30_000

/** Sends a chat message, and reads the answer's stream to its end. */
export const chat = (url: string, target: Load.Target, message: string) => {
  let text = ""
  const ended = (async () => {
    const response = await fetch(`${url}/v1/public/widget/${target.instanceId}/chat`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-widget-token": target.widgetToken },
      body: JSON.stringify({ message })
    })
    assert.equal(response.status, 200)
    for await (const part of response.body ?? []) text += Buffer.from(part).toString("utf8")
  })()
  return { text: () => text, ended: Effect.promise(() => ended) }
}

/** A running service, its database, and its agent. */
export interface Running {
  readonly database: string
  readonly agent: Agent.ControlledAgent
  readonly target: Load.Target
  readonly service: Process.Process
}

export interface EndOptions extends Load.Paced {
  /** The service's grace period, in milliseconds. */
  readonly grace: number
  /** Whether clients keep their connections alive. Default: true. */
  readonly keepAlive?: boolean
}

/** Ends a service by SIGTERM under load, with an endless stream and a stream that ends within the grace period. */
export const end = Effect.fnUntraced(function* ({ agent, database, service, target }: Running, options: EndOptions) {
  const load = yield* Load.start({
    url: () => service.url,
    target,
    clients,
    pace: options.pace,
    ...(options.keepAlive === undefined ? {} : { keepAlive: options.keepAlive })
  })
  const endless = chat(service.url, target, "endless")
  const short = chat(service.url, target, "short")
  yield* until("the streams have begun", () => [endless, short].every(({ text }) => text().includes("Well")))
  yield* until("requests are acknowledged", () => load.acknowledged() > 10 * clients)
  const startedAt = performance.now()
  yield* service.signal("SIGTERM")
  yield* until("the service does not listen", () => load.connectionErrors.has("ECONNREFUSED"))
  assert.equal(short.text().includes("[DONE]"), false, "the short stream continues")
  agent.finish("short")
  yield* short.ended
  const ended = yield* service.ended
  const took = performance.now() - startedAt
  yield* load.stop
  yield* endless.ended
  assert.deepEqual(ended, { code: 0, signal: null }, service.output().slice(-2000))
  assert.ok(took < options.grace + slack, `the service took ${took} ms to end`)
  assert.match(short.text(), /"finishReason":"stop"/)
  assert.doesNotMatch(short.text(), /"type":"error"/)
  assert.match(endless.text(), /"type":"error"/)
  assert.ok(endless.text().endsWith("data: [DONE]\n\n"), "the stream ended with its last frame")
  const account = yield* Rows.account(database, load)
  assert.equal(account.cut, 0, "no accepted request goes unanswered")
  assert.equal(account.unavailable, 0)
  checkAccount(account)
  return { requests: account.requests - account.unsent, took }
}, Effect.scoped)

/** SIGTERM under load: a service ends `rounds` times. */
export const sigterm = Effect.fnUntraced(function* (
  options: EndOptions & {
    readonly database: Rows.Database
    readonly rounds: number
    /** Flags of `serve`. */
    readonly flags?: ReadonlyArray<string>
  }
) {
  const database = yield* options.database
  const agent = yield* Agent.start
  const target = yield* Store.prepare(database, agent.url)
  let longest = 0
  let requests = 0
  for (let round = 0; round < options.rounds; round++) {
    const service = yield* Process.start(
      "serve",
      { DATABASE_URL: database, SHUTDOWN_GRACE: `${options.grace} millis` },
      options.flags
    )
    const ended = yield* end({ database, agent, target, service }, options)
    longest = Math.max(longest, ended.took)
    requests += ended.requests
  }
  return { rounds: options.rounds, requests, unanswered: 0, "longest end ms": rounded(longest) } satisfies Figures
}, Effect.scoped)

/** Two services behind nginx, restarted in turn under load: no request fails. */
export const rolling = Effect.fnUntraced(function* (
  options: Load.Paced & {
    readonly database: Rows.Database
    readonly rounds: number
    /** How the two services start. */
    readonly serve: readonly [Process.Serve, Process.Serve]
  }
) {
  const database = yield* options.database
  const target = yield* Store.prepare(database)
  const ports = [yield* Ports.free, yield* Ports.free]
  const begin = (which: number) =>
    options.serve[which]!({ DATABASE_URL: database, PORT: String(ports[which]), TRUSTED_PROXIES: "127.0.0.1" })
  const services = yield* Effect.forEach([0, 1], begin, { concurrency: "unbounded" })
  const nginx = yield* Nginx.start(ports)
  const load = yield* Load.start({ url: () => nginx.url, target, clients, pace: options.pace })
  yield* until("requests are acknowledged", () => load.acknowledged() > 10 * clients)
  for (let round = 0; round < 2 * options.rounds; round++) {
    const which = round % 2
    yield* services[which]!.end
    services[which] = yield* begin(which)
    yield* pause(200)
  }
  yield* load.stop
  const account = yield* Rows.account(database, load)
  assert.deepEqual(Object.keys(account.statuses).toSorted(), ["200", "204"], nginx.errors())
  return { restarts: 2 * options.rounds, ...checkAccount(account) } satisfies Figures
}, Effect.scoped)
