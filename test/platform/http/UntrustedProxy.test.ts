/**
 * The service warns about a proxy that is not trusted: all visitors behind it share one rate limit.
 */
import { createServer, type IncomingMessage } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Metric } from "effect"
import * as NodeServer from "../../../src/platform/http/NodeServer.ts"
import * as Metrics from "../../../src/platform/telemetry/Metrics.ts"
import * as InProcess from "../../support/InProcessService.ts"
import { until } from "../../support/Wait.ts"

const forwarded = { "x-forwarded-for": "203.0.113.7" }

const get = (url: string, headers: Readonly<Record<string, string>>) =>
  Effect.promise(() => fetch(`${url}/health`, { headers }).then((response) => response.text()))

const timesLogged = ({ log }: InProcess.Service) => log().split(NodeServer.untrustedProxyWarning).length - 1

describe("platform/http/NodeServer: untrusted proxy", () => {
  it.live("logs one warning, which names no address, if untrusted senders send X-Forwarded-For", () =>
    Effect.gen(function* () {
      const service = yield* InProcess.start()
      yield* get(service.url, {})
      assert.strictEqual(timesLogged(service), 0)
      yield* get(service.url, forwarded)
      yield* until("the warning is logged", () => timesLogged(service) === 1)
      yield* get(service.url, forwarded)
      assert.strictEqual(timesLogged(service), 1)
      assert.notMatch(service.log(), /203\.0\.113\.7|127\.0\.0\.1/)
    }).pipe(Effect.scoped)
  )

  it.live("logs nothing if the sender is trusted", () =>
    Effect.gen(function* () {
      const service = yield* InProcess.start({ environment: { TRUSTED_PROXIES: "127.0.0.0/8" } })
      yield* get(service.url, forwarded)
      assert.strictEqual(timesLogged(service), 0)
    }).pipe(Effect.scoped)
  )

  it.effect("counts and logs nothing if the sender reset its connection, so that its address is unknown", () =>
    Effect.gen(function* () {
      const lines: Array<unknown> = []
      const logs = Logger.layer([Logger.make(({ message }) => void lines.push(message))])
      const server = createServer()
      yield* NodeServer.watchUntrustedProxy(server, () => false).pipe(Effect.provide(logs))
      const requestFrom = (remoteAddress: string | undefined) =>
        server.emit("request", { headers: forwarded, socket: { remoteAddress } } as unknown as IncomingMessage)
      const counted = Effect.map(Metric.value(Metrics.untrustedForwarded({})), ({ count }) => count)
      const before = yield* counted
      requestFrom(undefined)
      yield* Effect.yieldNow
      assert.strictEqual(yield* counted, before)
      assert.deepStrictEqual(lines, [])
      requestFrom("192.0.2.1")
      assert.strictEqual(yield* counted, Number(before) + 1)
      yield* Effect.yieldNow
      assert.deepStrictEqual(lines, [[NodeServer.untrustedProxyWarning]])
    })
  )
})
