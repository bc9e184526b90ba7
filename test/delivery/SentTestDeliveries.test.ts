/** Test mails whose content cannot be read. */
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { Reports } from "../../src/analytics/reports/Reports.ts"
import type { Sender } from "../../src/delivery/mail/Mailer.ts"
import { Notifications } from "../../src/delivery/mail/Notification.ts"
import * as TestDeliveries from "../../src/delivery/TestDeliveries.ts"
import { ReportTooLarge } from "../../src/platform/Storage.ts"
import { newSite, postgres } from "../support/Delivery.ts"

it.effect("a test of a report that is too large fails as a mail, and not with a defect", () =>
  Effect.gen(function* () {
    const websiteConfigId = yield* newSite
    const added = yield* Notifications.use((notifications) =>
      notifications.add(websiteConfigId, { to: "ann@example.com", report: "monthly" })
    )
    const notification = Option.getOrThrow(added)
    const sender: Sender = {
      from: { name: "Edge", address: "edge@example.com" },
      publicUrl: "http://edge.example",
      consoleUrl: null,
      secretsKey: Redacted.make(new Uint8Array(32))
    }
    const mailer = { send: () => Effect.die("nothing is sent"), check: Effect.never }
    const reports = Layer.mock(Reports, {
      query: () => Effect.fail(new ReportTooLarge({ limit: "2 GB of memory" }))
    })
    assert.deepStrictEqual(
      yield* TestDeliveries.notification({ sender, mailer }, notification).pipe(Effect.provide(reports)),
      Option.some({ _tag: "Failed" as const, error: "the report needs more than 2 GB of memory" })
    )
  }).pipe(Effect.provide(postgres))
)
