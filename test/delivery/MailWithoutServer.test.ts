/** A service without `SMTP_URL` logs that mails wait. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import * as MailDispatcher from "../../src/delivery/mail/MailDispatcher.ts"
import { Notifications } from "../../src/delivery/mail/Notification.ts"
import { newSite, postgres } from "../support/Delivery.ts"
import { until } from "../support/Wait.ts"

describe("delivery/mail/MailDispatcher: without a mail server", () => {
  it.live("a process without a mail server logs at its start that a website has a notification", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const logs = Logger.layer([Logger.map(Logger.formatLogFmt, (line) => void lines.push(line))])
      const start = Layer.build(Layer.fresh(MailDispatcher.warnWithoutServer)).pipe(Effect.provide(logs))
      yield* start
      const websiteConfigId = yield* newSite
      yield* Notifications.use((all) => all.add(websiteConfigId, { to: "ada@example.com", report: "weekly" }))
      assert.deepStrictEqual(lines, [])
      yield* start
      yield* until("the warning", () => lines.length > 0)
      assert.lengthOf(lines, 1)
      assert.include(lines[0], "SMTP_URL is not set")
    }).pipe(Effect.scoped, Effect.provide(postgres))
  )
})
