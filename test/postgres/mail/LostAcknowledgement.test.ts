import { randomBytes } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import * as PostgresNotifications from "../../../src/postgres/mail/Notifications.ts"
import * as PostgresSiteDirectory from "../../../src/postgres/sites/SiteDirectory.ts"
import { Notifications } from "../../../src/services/mail/Notifications.ts"
import * as Delivery from "../../support/Delivery.ts"
import * as LosingClient from "../../support/postgres/LosingClient.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"

const timeout = "20 seconds"

const notifications = PostgresNotifications.layer({
  timeout,
  secretsKey: Option.some(Redacted.make(randomBytes(32)))
}).pipe(Layer.provide(Layer.effect(PgClient.PgClient, Effect.map(PgClient.PgClient, LosingClient.of))))

const storage = Layer.merge(notifications, PostgresSiteDirectory.layer({ timeout })).pipe(
  Layer.provideMerge(TestDatabase.layer)
)

it.live("a request whose commit is not acknowledged runs again, succeeds, and has made one confirmation mail", () =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const { addByOwner, resendConfirmation } = yield* Notifications
    const websiteConfigId = yield* Delivery.newSite
    const pendingMails = sql`SELECT 1 FROM mail
      WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} AND status = 'pending'`
    const topic = { kind: "submissions", digest: null, includeQuarantined: false } as const

    const added = yield* addByOwner({ websiteConfigId, recipient: "ada@example.com", topic })
    if (added._tag !== "Added") return assert.fail(added._tag)
    assert.lengthOf(yield* pendingMails, 1)

    yield* sql`UPDATE mail SET status = 'sent'`
    yield* sql`UPDATE mail_recipient SET added_at = added_at - interval '1 hour'`
    const resent = yield* resendConfirmation(added.notification.notificationId)
    assert.strictEqual(resent._tag, "Resent")
    assert.lengthOf(yield* pendingMails, 1)
    assert.lengthOf(yield* sql`SELECT 1 FROM mail`, 2)
  }).pipe(Effect.provide(storage))
)
