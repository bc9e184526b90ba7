/**
 * Inspects the webhooks of a database for `doctor`, read-only.
 *
 * @module
 */
import { type Duration, Effect, Option, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as WebhookRows from "../../delivery/postgres/WebhookRows.ts"
import * as Database from "../../platform/postgres/Database.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import type { WebhookFacts } from "./DeliveryDiagnosis.ts"

const Found = Schema.Array(Schema.Struct({ webhookId: Schema.String, ...WebhookRows.secretFields }))

/** How many webhooks there are, and how many have a secret that `secretsKey` does not decrypt. Bounded by `timeout`. */
export const inspect = (secretsKey: Option.Option<Redacted.Redacted<Uint8Array>>, timeout: Duration.Input) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows =
      yield* sql`SELECT webhook_id AS "webhookId", ${sql.literal(WebhookRows.secretColumns)} FROM webhook`.pipe(
        decodeRows(Found)
      )
    const isLocked = (key: Uint8Array) => (row: (typeof rows)[number]) => WebhookRows.open(key, row).length === 0
    return {
      total: rows.length,
      locked: Option.match(secretsKey, {
        onNone: () => null,
        onSome: (key) => rows.filter(isLocked(Redacted.value(key))).length
      })
    } satisfies WebhookFacts
  }).pipe(Database.withDeadline(timeout), Database.mapErrors)
