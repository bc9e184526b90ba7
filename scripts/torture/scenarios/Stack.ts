/**
 * Three processes, two nginx, Redis, a pair of PostgreSQL servers and ClickHouse under page views, submissions and chats,
 * while each part in turn is killed, restarted and hung. ClickHouse keeps running, but requests to it fail. The primary of
 * PostgreSQL is lost at the end.
 *
 * @module
 */
import assert from "node:assert/strict"
import { Effect } from "effect"
import { pause, until } from "../../../test/support/Wait.ts"
import * as Load from "../Load.ts"
import * as Rows from "../Rows.ts"
import * as Stack from "../Stack.ts"
import * as Conversations from "./Conversations.ts"
import { checkAccount, type Figures, rounded } from "./Figures.ts"

const clients = 12

/** A limit that no client reaches, so that Redis counts every request. */
const unreached = "999999/minute"

/** Whether the store has the whole text of a complete answer, or the beginning of any other answer. */
const isKept = ({ finishReason, line, message }: Conversations.SeenAnswer): boolean => {
  const all = Conversations.wordsOf(message).join("")
  return finishReason === "stop" || line.ending === "stop" ? line.text === all : all.startsWith(line.text)
}

export const stack = Effect.fnUntraced(function* (options: {
  /** How long each part stays killed, and hung, in milliseconds. */
  readonly millis: number
  readonly conversations: number
}) {
  const { conversations, millis } = options
  const agent = yield* Conversations.speakingAgent
  const installation = yield* Stack.make({
    agentUrl: agent.url,
    settings: {
      RATE_LIMIT_ANALYTICS: unreached,
      RATE_LIMIT_FORMS: unreached,
      RATE_LIMIT_CHAT_READ: "off",
      ANALYTICS_INTERVAL: "50 millis"
    }
  })
  const { clickhouse, pair, parts, target } = installation
  let [requests, isOver] = [0, false]
  /** Alternates between the URLs of the two nginx; requests to an nginx that is down get no response. */
  const url = () => {
    const urls = installation.urls()
    return urls[requests++ % urls.length] ?? ""
  }
  const load = yield* Load.start({ url, target, clients, pace: 5 })
  const visitors = Array.from({ length: conversations }, (_, index) =>
    // Each visitor stays with one nginx, which uses the processes in turn: an answer is resumed on any process.
    Conversations.talk({ url: installation.urls()[index % 2] ?? "", target }, index, { longest: 6_000 }, () => isOver)
  )
  let slowest = 0
  /** Waits until requests are acknowledged again. */
  const untilRecovered = (event: string) =>
    Effect.suspend(() => {
      const [begun, before] = [performance.now(), load.acknowledged()]
      return Effect.map(
        until(`requests are acknowledged after ${event}`, () => load.acknowledged() > before + 2 * clients),
        () => {
          slowest = Math.max(slowest, performance.now() - begun)
        }
      )
    })
  yield* untilRecovered("the start")
  for (const part of parts) {
    yield* part.kill
    yield* pause(millis)
    yield* part.start
    yield* untilRecovered(`${part.name} was killed`)
    yield* part.freeze
    yield* pause(millis)
    yield* part.thaw
    yield* untilRecovered(`${part.name} was hung`)
  }
  for (const fault of ["lose the request", "lose the answer", "fail", "cut the answer", "bad gateway"] as const) {
    if (clickhouse === undefined) break
    clickhouse.faults.push(fault, fault, fault)
    yield* until(`ClickHouse's faults happen: ${fault}`, () => clickhouse.faults.length === 0)
    yield* untilRecovered(`ClickHouse's fault: ${fault}`)
  }
  yield* pair.primary.kill
  yield* pause(millis)
  yield* pair.promote
  yield* untilRecovered("the failover")
  yield* load.stop
  isOver = true
  const talks = yield* Effect.promise(() => Promise.all(visitors))
  const seen = talks.flatMap((each) => each.seen)
  for (const each of seen) assert.ok(isKept(each), `${each.message}: ${each.line.ending} ${each.line.text}`)
  const account = yield* Rows.account(pair.replica.url, load, installation.rowsElsewhere(load.run))
  const resumed = seen.reduce((sum, each) => sum + each.resumed, 0)
  const wholeAnswers = seen.filter(({ line }) => line.ending === "stop").length
  assert.ok(wholeAnswers > 0 && resumed > 0, `${wholeAnswers} answers are whole, ${resumed} were resumed`)
  return {
    parts: parts.length + (clickhouse === undefined ? 0 : 1),
    ClickHouse: clickhouse === undefined ? "not installed" : "page views",
    ...checkAccount(account),
    answers: seen.length,
    "whole answers": wholeAnswers,
    resumed,
    "slowest recovery ms": rounded(slowest)
  } satisfies Figures
}, Effect.scoped)
