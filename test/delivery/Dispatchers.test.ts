import { assert, it } from "@effect/vitest"
import { Effect, Layer, Logger, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { Reports } from "../../src/analytics/reports/Reports.ts"
import { Deliveries } from "../../src/delivery/Delivery.ts"
import * as Dispatcher from "../../src/delivery/Dispatcher.ts"
import { Mails } from "../../src/delivery/mail/Mail.ts"
import * as MailDispatcher from "../../src/delivery/mail/MailDispatcher.ts"
import * as Mailer from "../../src/delivery/mail/Mailer.ts"
import { Replies } from "../../src/delivery/mail/Reply.ts"
import { OutwardClient } from "../../src/platform/outward/OutwardClient.ts"

/** Starts a dispatcher, lets it run for three seconds, and returns its log lines. */
const logOf = Effect.fnUntraced(function* (dispatcher: Layer.Layer<never>) {
  const lines: Array<string> = []
  yield* Layer.build(
    Layer.provide(dispatcher, Logger.layer([Logger.map(Logger.formatSimple, (line) => void lines.push(line))]))
  )
  yield* TestClock.adjust("3 seconds")
  return lines
})

it.effect("delivery/Dispatcher: an interrupted round is logged, and the next rounds run", () =>
  Effect.gen(function* () {
    const rounds = { fanOut: 0, lease: 0, replay: 0 }
    const none = { leased: [], waiting: new Set<string>() }
    const deliveries = Layer.mock(Deliveries, {
      fanOut: () => (rounds.fanOut++ === 0 ? Effect.interrupt : Effect.succeed({ ...none, events: 0 })),
      lease: () => (rounds.lease++ === 0 ? Effect.interrupt : Effect.succeed(none)),
      continueReplays: Effect.suspend(() => (rounds.replay++ === 0 ? Effect.interrupt : Effect.succeed(0)))
    })
    const lines = yield* logOf(Layer.provide(Dispatcher.layer, [deliveries, Layer.mock(OutwardClient, {})]))
    assert.isAtLeast(rounds.fanOut, 2)
    assert.isAtLeast(rounds.lease, 2)
    assert.isAtLeast(rounds.replay, 2)
    assert.lengthOf(
      lines.filter((line) => /level=WARN.*trying again until it succeeds/.test(line)),
      3
    )
    assert.lengthOf(
      lines.filter((line) => /level=INFO.*Can .* again/.test(line)),
      3
    )
    assert.lengthOf(lines, 6)
  })
)

it.effect("delivery/mail/MailDispatcher: an interrupted round is logged, and the next rounds run", () =>
  Effect.gen(function* () {
    let rounds = 0
    const mails = Layer.mock(Mails, {
      make: () => (rounds++ === 0 ? Effect.interrupt : Effect.succeed(0)),
      lease: () => Effect.succeed([])
    })
    const dispatcher = MailDispatcher.layer(
      {
        sender: {
          from: { name: "Edge", address: "edge@example.com" },
          publicUrl: "http://edge",
          consoleUrl: null,
          secretsKey: Redacted.make(new Uint8Array(32))
        },
        mailer: Mailer.makeMemory([])
      },
      []
    )
    const lines = yield* logOf(
      Layer.provide(dispatcher, [
        mails,
        Layer.mock(Replies, { lease: () => Effect.succeed([]) }),
        Layer.mock(Reports, {})
      ])
    )
    assert.isAtLeast(rounds, 2)
    assert.lengthOf(lines, 2)
    assert.match(lines[0] ?? "", /level=WARN.*Could not read the due mails; trying again until it succeeds/)
    assert.match(lines[1] ?? "", /level=INFO.*Can read the due mails again/)
  })
)
