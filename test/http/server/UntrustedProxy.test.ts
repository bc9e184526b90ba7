/**
 * The service warns about a proxy that is not trusted: all visitors behind it share one rate limit.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as UntrustedProxy from "../../../src/http/server/UntrustedProxy.ts"
import * as InProcess from "../../support/InProcessService.ts"
import { until } from "../../support/Wait.ts"

const forwarded = { "x-forwarded-for": "203.0.113.7" }

const get = (url: string, headers: Readonly<Record<string, string>>) =>
  Effect.promise(() => fetch(`${url}/health`, { headers }).then((response) => response.text()))

const timesLogged = ({ log }: InProcess.Service) => log().split(UntrustedProxy.warning).length - 1

describe("http/server/UntrustedProxy", () => {
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
})
