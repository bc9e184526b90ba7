/** Test mails whose content cannot be read. */
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { Reports } from "../../src/analytics/reports/Reports.ts"
import { Mailer } from "../../src/delivery/mail/Mailer.ts"
import { Notifications } from "../../src/delivery/mail/Notification.ts"
import * as TestDeliveries from "../../src/delivery/TestDeliveries.ts"
import { OutwardClient } from "../../src/platform/outward/OutwardClient.ts"
import { ReportTooLarge } from "../../src/platform/Storage.ts"
import { newSite, postgres } from "../support/Delivery.ts"

it.effect("a test of a report that is too large fails as a mail, and not with a defect", () =>
  Effect.gen(function* () {
    const websiteConfigId = yield* newSite
    const added = yield* Notifications.use((notifications) =>
      notifications.add(websiteConfigId, { to: "ann@example.com", report: "monthly" })
    )
    const { notification_id } = Option.getOrThrow(added)
    const tests = TestDeliveries.layer({
      mail: Option.some({
        sender: {
          from: { name: "Edge", address: "edge@example.com" },
          publicUrl: "http://edge.example",
          consoleUrl: null,
          secretsKey: Redacted.make(new Uint8Array(32))
        },
        mailer: Layer.mock(Mailer, {})
      })
    })
    const reports = Layer.mock(Reports, {
      query: () => Effect.fail(new ReportTooLarge({ limit: "2 GB of memory" }))
    })
    const tested = yield* TestDeliveries.TestDeliveries.use(({ notification }) =>
      notification(websiteConfigId, notification_id)
    ).pipe(Effect.provide(Layer.provide(tests, [reports, Layer.mock(OutwardClient, {})])))
    assert.deepStrictEqual(
      tested,
      Option.some({
        recipient: "ann@example.com",
        outcome: { _tag: "Failed", error: "the report needs more than 2 GB of memory" }
      })
    )
  }).pipe(Effect.provide(postgres))
)
