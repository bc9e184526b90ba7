/**
 * SIGTERM under load, and two processes behind nginx that are restarted in turn.
 *
 * @module
 */
import assert from "node:assert/strict"
import { Effect } from "effect"
import * as Upstream from "../../support/TestUpstream.ts"
import { pause, until } from "../../support/Wait.ts"
import * as Cluster from "../Cluster.ts"
import * as Load from "../Load.ts"
import * as Nginx from "../Nginx.ts"
import * as Process from "../Process.ts"
import * as Store from "../Store.ts"
import { demandWhole, type Figures, whole } from "./Figures.ts"

const clients = 16

/** Reads a chat stream to its end. */
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

/** SIGTERM under load, with an endless stream and one that ends within the grace period. */
export const sigterm = Effect.fnUntraced(function* (
  options: Load.Paced & {
    readonly rounds: number
    readonly grace: number
    /** Flags of `serve`. */
    readonly flags?: ReadonlyArray<string>
    /** Whether clients keep their connections alive. Default: true. */
    readonly keepAlive?: boolean
  }
) {
  const cluster = yield* Cluster.make()
  let finish: () => void = () => {}
  const upstream = yield* Upstream.start((received, response) => {
    response.writeHead(200, Upstream.sse)
    response.write(Upstream.says("Well"))
    if (received.body.includes("short")) finish = () => void response.end(Upstream.finishes("stop"))
  })
  const target = yield* Store.prepare(cluster.url, upstream.url)
  let longest = 0
  let requests = 0
  for (let round = 0; round < options.rounds; round++) {
    const service = yield* Process.start(
      "serve",
      { DATABASE_URL: cluster.url, SHUTDOWN_GRACE: `${options.grace} millis` },
      options.flags
    )
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
    const begun = performance.now()
    yield* service.signal("SIGTERM")
    yield* until("it does not listen", () => load.faults.has("ECONNREFUSED"))
    assert.equal(short.text().includes("[DONE]"), false, "streams go on")
    finish()
    yield* short.ended
    const ended = yield* service.ended
    const took = performance.now() - begun
    longest = Math.max(longest, took)
    yield* load.stop
    yield* endless.ended
    assert.deepEqual(ended, { code: 0, signal: null }, service.output().slice(-2000))
    assert.ok(took < options.grace + 5_000, `it took ${took} ms to end`)
    assert.match(short.text(), /"finishReason":"stop"/)
    assert.doesNotMatch(short.text(), /"type":"error"/)
    assert.match(endless.text(), /"type":"error"/)
    assert.ok(endless.text().endsWith("data: [DONE]\n\n"), "the stream ended with its last frame")
    const account = yield* Store.account(cluster, load)
    assert.equal(account.cut, 0, "no accepted request goes unanswered")
    assert.equal(account.unavailable, 0)
    demandWhole(account)
    requests += account.requests - account.unsent
  }
  return { rounds: options.rounds, requests, unanswered: 0, "longest end ms": whole(longest) } satisfies Figures
}, Effect.scoped)

/** Two processes behind nginx, restarted in turn under load: no request fails. */
export const rolling = Effect.fnUntraced(function* (options: Load.Paced & { readonly rounds: number }) {
  const cluster = yield* Cluster.make()
  const target = yield* Store.prepare(cluster.url)
  const ports = [yield* Nginx.freePort, yield* Nginx.freePort]
  const begin = (port: number) =>
    Process.start("serve", { DATABASE_URL: cluster.url, PORT: String(port), TRUSTED_PROXIES: "127.0.0.1" })
  const services = [yield* begin(ports[0]!), yield* begin(ports[1]!)]
  const nginx = yield* Nginx.start(ports)
  const load = yield* Load.start({ url: () => nginx.url, target, clients, pace: options.pace })
  yield* until("requests are acknowledged", () => load.acknowledged() > 10 * clients)
  for (let round = 0; round < 2 * options.rounds; round++) {
    const which = round % 2
    yield* services[which]!.signal("SIGTERM")
    assert.deepEqual(yield* services[which]!.ended, { code: 0, signal: null })
    services[which] = yield* begin(ports[which]!)
    yield* pause(200)
  }
  yield* load.stop
  const account = yield* Store.account(cluster, load)
  assert.deepEqual(Object.keys(account.statuses).toSorted(), ["200", "204"], nginx.errors())
  return { restarts: 2 * options.rounds, ...demandWhole(account) } satisfies Figures
}, Effect.scoped)
