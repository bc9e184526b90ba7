/**
 * Stores what websites' owners marked as spam, in PostgreSQL. `FormDirectory` reads the marks with the website of a submission.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Schema } from "effect"
import type { SqlClient } from "effect/sql"
import { type SpamMarkId, SubmissionId, type WebsiteConfigId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { decodeRows, Time } from "../../platform/runtime/Rows.ts"
import { LimitReached } from "../../platform/Storage.ts"
import * as Maximums from "../../sites/Maximums.ts"
import type * as SiteLock from "../../sites/postgres/SiteLock.ts"
import { type Inbox, SpamMark } from "../Inbox.ts"
import { type Traits, traitsOf } from "../SpamScore.ts"

const { OID } = PgTypes

export const columns = "mark_id, email, text, created_at"

export const fields = { ...SpamMark.fields, created_at: Time }

const Rows = Schema.Array(Schema.Struct(fields))

const Contents = Schema.Array(
  Schema.Struct({ submission_id: SubmissionId, email: Schema.NullOr(Schema.String), form_data: Schema.String })
)

const contentsStatement = `SELECT submission_id, email, form_data::text AS form_data FROM submission
  WHERE website_config_id = $1 AND submission_id = ANY ($2) ORDER BY submission_id`

/** The traits of submissions of a website, by their ids. */
const traitsOfAll = (
  sql: SqlClient.SqlClient,
  websiteConfigId: WebsiteConfigId,
  submissionIds: ReadonlyArray<SubmissionId>,
  lock: "FOR UPDATE" | ""
) =>
  sql.unsafe(`${contentsStatement} ${lock}`, [PgTypes.uuid(websiteConfigId), Database.uuids(submissionIds)]).pipe(
    decodeRows(Contents),
    Effect.map((rows) =>
      rows.map(({ email, form_data: formData, submission_id }) => ({
        submissionId: submission_id,
        traits: traitsOf(websiteConfigId, { email, formData })
      }))
    )
  )

const bytes = (digest: string | null) => (digest === null ? null : Buffer.from(digest, "hex"))

/**
 * Quarantines submissions. Those that were accepted leave an event for subscribers, and count as mailed, unless the event of their
 * release still waits: its fan-out, or that of their next release, mails them.
 */
const quarantineStatement = `WITH accepted AS (
    SELECT submission_id, website_config_id FROM submission WHERE submission_id = ANY ($1) AND status = 'accepted'
  ), held AS (
    UPDATE submission SET status = 'quarantined', reasons = array_append(array_remove(reasons, 'marked'), 'marked'),
      is_mailed = is_mailed OR status = 'accepted' AND NOT EXISTS (
        SELECT FROM outbox WHERE subject = submission_id::text AND type = 'submission.released'
      )
    WHERE submission_id = ANY ($1)
  )
  INSERT INTO outbox (event_id, website_config_id, type, created_at, subject)
  SELECT gen_random_uuid(), website_config_id, 'submission.quarantined', $2, submission_id::text
  FROM accepted JOIN site USING (website_config_id) WHERE has_subscribers`

/** A mark that was made before begins anew. */
const storeStatement = `INSERT INTO spam_mark (mark_id, website_config_id, email, text_sha256, text, created_at)
  SELECT mark_id, $1, email, text_sha256, text, $2
  FROM unnest($3, $4, $5, $6) AS given (mark_id, email, text_sha256, text)
  ON CONFLICT (website_config_id, coalesce(email, ''), coalesce(text_sha256, '')) DO UPDATE SET created_at = excluded.created_at`

const Count = Schema.Tuple([Schema.Struct({ count: Schema.Int })])

/** Each combination of an address and a text once: a statement cannot update a row twice. */
const distinct = (all: ReadonlyArray<Traits>): ReadonlyArray<Traits> => [
  ...new Map(
    all
      .filter(({ email, textDigest }) => email !== null || textDigest !== null)
      .map((traits) => [JSON.stringify([traits.email, traits.textDigest]), traits])
  ).values()
]

const forgetStatement = `DELETE FROM spam_mark WHERE website_config_id = $1 AND (email = ANY ($2) OR text_sha256 = ANY ($3))`

/** Takes back the marks that hold these submissions of a website, and the reason that the submissions have from them. */
export const forget = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  websiteConfigId: WebsiteConfigId,
  submissionIds: ReadonlyArray<SubmissionId>
) {
  const website = PgTypes.uuid(websiteConfigId)
  const marks = yield* sql`SELECT 1 FROM spam_mark WHERE website_config_id = ${website} LIMIT 1`
  if (marks.length > 0) {
    const found = yield* traitsOfAll(sql, websiteConfigId, submissionIds, "")
    yield* sql.unsafe(forgetStatement, [
      website,
      Database.texts(found.flatMap(({ traits }) => traits.email ?? [])),
      Database.byteas(found.flatMap(({ traits }) => bytes(traits.textDigest) ?? []))
    ])
  }
  yield* sql`UPDATE submission SET reasons = array_remove(reasons, 'marked') WHERE website_config_id = ${website}
    AND submission_id = ANY (${Database.uuids(submissionIds)}) AND 'marked' = ANY (reasons)`
})

/** What `Inbox` does with marks of spam. */
export const make = (sql: PgClient.PgClient, whileLocked: Effect.Success<typeof SiteLock.make>) => {
  const mark = Effect.fnUntraced(function* (
    websiteConfigId: WebsiteConfigId,
    submissionIds: ReadonlyArray<SubmissionId>
  ) {
    const now = PgTypes.timestamptz(yield* Clock.currentTimeMillis)
    const found = yield* traitsOfAll(sql, websiteConfigId, submissionIds, "FOR UPDATE")
    const ids = found.map(({ submissionId }) => submissionId)
    const marks = distinct(found.map(({ traits }) => traits))
    yield* sql.unsafe(quarantineStatement, [Database.uuids(ids), now])
    const array = (valueOf: (traits: Traits) => unknown, oid: number) => Database.array(marks.map(valueOf), oid)
    yield* sql.unsafe(storeStatement, [
      PgTypes.uuid(websiteConfigId),
      now,
      array(() => randomUUID(), OID.uuid),
      array(({ email }) => email, OID.text),
      array(({ textDigest }) => bytes(textDigest), OID.bytea),
      array(({ text }) => text, OID.text)
    ])
    const [{ count }] = yield* sql`SELECT count(*)::int AS count FROM spam_mark
        WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)}`.pipe(decodeRows(Count))
    if (marks.length > 0 && count > Maximums.spamMarks.max) {
      return yield* new LimitReached({ maximum: Maximums.spamMarks })
    }
    return ids
  })

  return {
    markSpam: (websiteConfigId: WebsiteConfigId, submissionIds: ReadonlyArray<SubmissionId>) =>
      mark(websiteConfigId, submissionIds).pipe(whileLocked(websiteConfigId), Rounds.waking("events")),
    spamMarks: (websiteConfigId: WebsiteConfigId) =>
      sql`SELECT ${sql.literal(columns)} FROM spam_mark WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)}
          ORDER BY created_at DESC, mark_id`.pipe(Database.read(Rows)),
    removeSpamMark: (websiteConfigId: WebsiteConfigId, markId: SpamMarkId) =>
      sql`DELETE FROM spam_mark WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)}
          AND mark_id = ${PgTypes.uuid(markId)} RETURNING 1`.pipe(
        Database.mapErrors,
        Effect.map((rows) => rows.length > 0)
      )
  } satisfies Partial<Inbox["Service"]>
}
