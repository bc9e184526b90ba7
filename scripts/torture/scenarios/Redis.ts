/**
 * Redis down at the start, started, hung, killed and restarted, under load: no 5xx, and the limit holds.
 *
 * @module
 */
import assert from "node:assert/strict"
import { Effect, Redacted } from "effect"
import type * as Process from "../../../test/support/Process.ts"
import type { TestRedis } from "../../../test/support/TestRedis.ts"
import { pause, until } from "../../../test/support/Wait.ts"
import * as Load from "../Load.ts"
import * as Rows from "../Rows.ts"
import * as Store from "../Store.ts"
import { checkAccount, type Figures } from "./Figures.ts"

const clients = 8
const limit = 40

/** `redis` is not started yet. `millis` is the duration of each state. */
export const redisFaults = Effect.fnUntraced(function* (options: {
  readonly database: Rows.Database
  readonly redis: TestRedis
  readonly millis: number
  readonly serve: Process.Serve
}) {
  const { millis, redis } = options
  const database = yield* options.database
  const target = yield* Store.prepare(database)
  const service = yield* options.serve({
    DATABASE_URL: database,
    REDIS_URL: Redacted.value(redis.url),
    RATE_LIMIT_ANALYTICS: `${limit}/hour`,
    RATE_LIMIT_FORMS: `${limit}/hour`
  })
  const load = yield* Load.start({ url: () => service.url, target, clients, pace: 5 })
  const awaitAnswers = Effect.suspend(() => {
    const before = load.answered()
    return Effect.andThen(
      pause(millis),
      until("requests are answered", () => load.answered() > before + clients)
    )
  })
  const awaitLog = (words: string, times: number) =>
    until(`the service logs: ${words}`, () => service.output().split(words).length > times)
  yield* awaitAnswers
  yield* redis.start
  yield* awaitLog("Redis is back", 1)
  yield* awaitAnswers
  yield* redis.freeze
  yield* awaitLog("Redis cannot be used", 2)
  yield* awaitAnswers
  yield* redis.thaw
  yield* awaitLog("Redis is back", 2)
  yield* awaitAnswers
  yield* redis.kill
  yield* awaitLog("Redis cannot be used", 3)
  yield* awaitAnswers
  yield* redis.start
  yield* awaitLog("Redis is back", 3)
  yield* awaitAnswers
  yield* load.stop
  const account = yield* Rows.account(database, load)
  const figures = checkAccount(account)
  assert.deepEqual(
    Object.keys(account.statuses).filter((status) => !["200", "204", "429"].includes(status)),
    [],
    "never a 5xx"
  )
  // `limit` views and `limit` forms are accepted by each of three limiters: the process's own, Redis before the kill, and Redis
  // after it, because the kill loses the counts.
  assert.ok(account.acknowledged <= 3 * 2 * limit, `${account.acknowledged} were accepted`)
  assert.ok(account.acknowledged >= 2 * limit)
  return { ...figures, limit, refused: account.refused, "5xx": 0 } satisfies Figures
}, Effect.scoped)
