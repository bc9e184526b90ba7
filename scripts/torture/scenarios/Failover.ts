/**
 * The primary of two PostgreSQL servers is killed under load, and its synchronous replica is promoted.
 *
 * @module
 */
import assert from "node:assert/strict"
import { Effect } from "effect"
import type * as Process from "../../../test/support/Process.ts"
import * as ReplicatedPair from "../../../test/support/postgres/ReplicatedPair.ts"
import { pause, until } from "../../../test/support/Wait.ts"
import * as Load from "../Load.ts"
import * as Rows from "../Rows.ts"
import * as Store from "../Store.ts"
import { checkAccount, type Figures, rounded } from "./Figures.ts"

const clients = 16

/** How much longer than the timeout a response may take on a busy machine, in milliseconds. */
const slack = 5_000

/** `millis` is the time between the primary's end and the promotion, `timeout` the service's database timeout. */
export const failover = Effect.fnUntraced(function* (
  options: Load.Paced & { readonly millis: number; readonly timeout: number; readonly serve: Process.Serve }
) {
  const pair = yield* ReplicatedPair.make
  const target = yield* Store.prepare(pair.primary.url)
  const service = yield* options.serve({
    DATABASE_URL: pair.url,
    DATABASE_TIMEOUT: `${options.timeout} millis`
  })
  const load = yield* Load.start({ url: () => service.url, target, clients, pace: options.pace })
  yield* until("requests are acknowledged", () => load.acknowledged() > 10 * clients)
  yield* pair.primary.kill
  const killed = performance.now()
  yield* pause(options.millis)
  const ready = yield* Effect.promise(() => fetch(`${service.url}/readyz`))
  assert.equal(ready.status, 503, "/readyz answers 503")
  yield* pair.promote
  const promoted = performance.now()
  const before = load.acknowledged()
  yield* until("the service finds the new primary by itself", () => load.acknowledged() > before + clients)
  const recovered = performance.now()
  yield* load.stop
  const account = yield* Rows.account(pair.replica.url, load)
  assert.ok(account.slowest < options.timeout + slack, `a response took ${account.slowest} ms`)
  assert.equal(account.cut + account.unsent + account.refused, 0, "the service did not end")
  return {
    "timeout ms": options.timeout,
    ...checkAccount(account),
    "promoted after ms": rounded(promoted - killed),
    "recovery ms": rounded(recovered - promoted)
  } satisfies Figures
}, Effect.scoped)
