import { assert, layer } from "@effect/vitest"
import { Clock, Deferred, Effect, Layer, Logger, Redacted } from "effect"
import { Replies } from "../../../../src/delivery/mail/Reply.ts"
import { Inbox } from "../../../../src/forms/Inbox.ts"
import * as Database from "../../../../src/platform/postgres/Database.ts"
import * as LeftOver from "../../../../src/platform/rounds/postgres/LeftOver.ts"
import * as Rounds from "../../../../src/platform/rounds/Rounds.ts"
import * as Delivery from "../../../support/Delivery.ts"
import * as Mails from "../../../support/Mails.ts"
import { poll } from "../../../support/Wait.ts"

/** The kinds of which a first look finds left-over work. */
const lookOnce = Effect.scoped(
  Effect.gen(function* () {
    const found = new Set<Rounds.Kind>()
    const looked = yield* Deferred.make<void>()
    yield* Layer.build(Layer.fresh(LeftOver.layer)).pipe(
      Effect.provideService(Rounds.Wakeups, {
        ...Rounds.makeWakeups(),
        wakeAt: (kind) => void found.add(kind),
        // A first look ends by waking the loop that is due every few minutes.
        wake: (kind) => void (kind === "problems" && Deferred.doneUnsafe(looked, Effect.void))
      })
    )
    yield* Deferred.await(looked)
    return found
  })
)

layer(Delivery.postgres, { excludeTestServices: true })("platform/rounds/postgres/LeftOver", (it) => {
  it.effect("finds a reply that waits, unless its submission is deleted, so that nothing can be done", () =>
    Effect.gen(function* () {
      const [inbox, replies] = [yield* Inbox, yield* Replies]
      const site = yield* Delivery.newSite
      const id = yield* Mails.submit(site)
      const createdAt = yield* Clock.currentTimeMillis
      const draft = { author: "Ada", reply_to: "ada@shop.example", to: "ann@example.org", text: "Hello", createdAt }
      yield* replies.add(site, id, draft)
      assert.isTrue((yield* lookOnce).has("mails"))
      yield* inbox.delete(site, [id])
      assert.isFalse((yield* lookOnce).has("mails"))
      yield* inbox.restore(site, [id])
      assert.isTrue((yield* lookOnce).has("mails"))
    })
  )

  it.effect("says in one line that no database answers", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const address = { url: Redacted.make("postgres://edge@127.0.0.1:1/edge"), connections: 1 }
      yield* Layer.build(
        Layer.fresh(LeftOver.layer).pipe(
          Layer.provide(Database.layer({ ...address, timeout: "200 millis" })),
          Layer.provide(Logger.layer([Logger.map(Logger.formatSimple, (line) => void lines.push(line))]))
        )
      ).pipe(Effect.provideService(Rounds.Wakeups, Rounds.makeWakeups()))
      const [line] = yield* poll(
        Effect.sync(() => lines),
        ({ length }) => length > 0
      )
      assert.match(
        line ?? "",
        /Could not look for left-over work; trying again until it succeeds\. The database cannot be used \(.*ECONNREFUSED.*\)\. Check that it runs; see hydracore doctor\.\W*$/
      )
      assert.notInclude(line ?? "", "\n")
    }).pipe(Effect.scoped)
  )
})
