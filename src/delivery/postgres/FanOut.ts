/**
 * Turns events of the outbox into deliveries, and into items of mails. Leases new deliveries for the free slots of this process,
 * so that their first attempt needs no further statement.
 *
 * The deliveries that ended with the deletion of their submission are resumed when it is restored. Those that were cancelled are pending
 * again; those that had failed get back what they send, so that they can be retried. One that reached its webhook stays as it is. A
 * suspected spam submission is announced as accepted only when it is released.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Option, Schema } from "effect"
import type { SqlError } from "effect/sql"
import * as AnswerParts from "../../chat/conversations/AnswerParts.ts"
import * as Conversation from "../../chat/conversations/Conversation.ts"
import * as ConversationRows from "../../chat/postgres/ConversationRows.ts"
import * as SubmissionRows from "../../forms/postgres/SubmissionRows.ts"
import { ConversationId, EventId, InstanceId, isCanonicalUuid, WebsiteConfigId } from "../../platform/Id.ts"
import { leaseMillis } from "../../platform/outward/Schedule.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Outbox from "../../platform/postgres/Outbox.ts"
import * as Times from "../../platform/postgres/Times.ts"
import * as FailedItems from "../../platform/rounds/postgres/FailedItems.ts"
import { decodeColumn, decodeRows } from "../../platform/runtime/Rows.ts"
import type { Leases } from "../Delivery.ts"
import * as Event from "../Event.ts"
import * as AutoReplies from "../mail/postgres/AutoReplies.ts"
import * as MailFanOut from "../mail/postgres/MailFanOut.ts"
import * as Slots from "../Slots.ts"
import * as Rows from "./Webhooks.ts"

const Conversations = Schema.Array(
  Schema.Struct({
    instanceId: InstanceId,
    conversationId: ConversationId,
    startedAt: Schema.Finite,
    parts: ConversationRows.Parts
  })
)

const submissionsStatement = `SELECT ${SubmissionRows.columns} FROM submission WHERE submission_id = ANY ($1)`

/** The visitor's first message in each conversation. */
const conversationsStatement = `SELECT instance_id AS "instanceId", conversation_id AS "conversationId",
    ${Times.millis("first.created_at")} AS "startedAt", parts::text AS parts
  FROM unnest($1::uuid[], $2::text[]) AS named (instance_id, conversation_id)
  JOIN conversation USING (instance_id, conversation_id) CROSS JOIN LATERAL (
    SELECT parts, created_at FROM conversation_message
    WHERE conversation_key = conversation.conversation_key AND role = 'user' ORDER BY position LIMIT 1
  ) AS first`

/** The data of subjects that exist, as JSON, by subject. */
const dataOfSubjects = Effect.fnUntraced(function* (sql: PgClient.PgClient, subjects: ReadonlyArray<string>) {
  const ids = subjects.filter(isCanonicalUuid)
  const keys = subjects.flatMap((subject) => Conversation.keyOfSubject(subject) ?? [])
  const submissions =
    ids.length === 0
      ? []
      : yield* sql.unsafe(submissionsStatement, [Database.uuids(ids)]).pipe(decodeRows(SubmissionRows.Rows))
  const conversations =
    keys.length === 0
      ? []
      : yield* sql
          .unsafe(conversationsStatement, [
            Database.uuids(keys.map(({ instanceId }) => instanceId)),
            Database.texts(keys.map(({ conversationId }) => conversationId))
          ])
          .pipe(decodeRows(Conversations))
  const data = new Map<string, string>()
  for (const row of submissions) {
    data.set(row.submission_id, Event.submissionData(SubmissionRows.fromRow(row)))
    // A submission may have thousands of values, which take milliseconds: requests run in between.
    yield* Effect.yieldNow
  }
  for (const row of conversations) {
    data.set(Conversation.subjectOf(row), Event.conversationData({ ...row, message: AnswerParts.textOf(row.parts) }))
  }
  return data
})

/**
 * The maximum number of events that a fan-out takes from `outbox`, and the number after which it takes no further batch from
 * `submission_outbox`, so that the subjects fit into memory.
 */
const size = 100

const Text = Schema.NullOr(Schema.String)

const Stored = Schema.Struct({
  eventId: EventId,
  websiteConfigId: WebsiteConfigId,
  type: Schema.String,
  createdAt: Schema.Date,
  subject: Text,
  data: Text
})

const Events = Schema.Array(Stored)

const Subscribers = Schema.Array(
  Schema.Struct({
    subscriberId: Schema.String,
    websiteName: Schema.String,
    events: Schema.Array(Schema.String),
    hasDue: Schema.Boolean,
    ...Rows.receiverFields,
    ...Rows.secretFields
  })
)

const takeable = (condition: string) => `SELECT event_id FROM outbox
  WHERE ${FailedItems.mayTry("event", "event_id")} AND ${Outbox.mayFanOut} AND ${condition} ORDER BY created_at LIMIT ${size}`

/** Takes the oldest events that may be fanned out and are not locked; or the event `only`. */
const takeStatement = (only: string | undefined) => `WITH taken AS (
    DELETE FROM outbox WHERE event_id = ANY (ARRAY(
      ${only === undefined ? takeable("true") : takeable("event_id = $1")} FOR UPDATE SKIP LOCKED
    ))
    RETURNING event_id, website_config_id, type, created_at, subject, data
  ), recovered AS (${FailedItems.recovered("event", "taken", "event_id")})
  SELECT event_id AS "eventId", website_config_id AS "websiteConfigId", type, created_at AS "createdAt", subject,
    data::text AS data FROM taken`

/** Adds the submissions of a relation with their types to `outbox`, where each has a row. Those that are deleted wait there. */
const storeEvents = (relation: string) => `INSERT INTO outbox (event_id, website_config_id, type, created_at, subject)
  SELECT submission_id, website_config_id, type, received_at, submission_id::text FROM ${relation} JOIN (
    SELECT submission_id, website_config_id, received_at FROM submission
    UNION ALL SELECT submission_id, website_config_id, received_at FROM deleted_submission
  ) AS stored USING (submission_id)
  ON CONFLICT DO NOTHING`

const storeMissingStatement = storeEvents("unnest($1::uuid[], $2::text[]) AS missing (submission_id, type)")

/** Moves stored submissions from `submission_outbox` to `outbox`, so that each can be taken alone. */
const splitStatement = `WITH taken AS (
    DELETE FROM submission_outbox WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM submission_outbox ORDER BY created_at LIMIT ${size} FOR UPDATE SKIP LOCKED
    )) RETURNING type, submission_ids
  )
  ${storeEvents("(SELECT unnest(submission_ids) AS submission_id, type FROM taken) AS event")}`

/** The events that can be taken alone, after an event failed a fan-out. Needs a transaction. */
export const split = (sql: PgClient.PgClient) =>
  Effect.andThen(sql.unsafe(splitStatement), sql.unsafe(takeable("true"))).pipe(decodeColumn(Schema.String))

/**
 * Takes unlocked batches of stored submissions, the oldest first, until they have at least `size` submissions. A submission that was
 * deleted has no website and no time. Locks the others against deletion until the commit, in the order of their ids.
 */
const takeSubmissionsStatement = `WITH found AS MATERIALIZED (
    SELECT ctid AS place, created_at, cardinality(submission_ids) AS size FROM submission_outbox
    ORDER BY created_at LIMIT ${size} FOR UPDATE SKIP LOCKED
  ), taken AS MATERIALIZED (
    DELETE FROM submission_outbox WHERE ctid = ANY (ARRAY(
      SELECT place FROM (SELECT place, sum(size) OVER (ORDER BY created_at, place) - size AS before FROM found) AS summed
      WHERE before < ${size}
    ))
    RETURNING type, submission_ids
  ), event AS MATERIALIZED (
    SELECT unnest(submission_ids) AS submission_id, type FROM taken
  ), present AS MATERIALIZED (
    SELECT submission_id, website_config_id, received_at FROM event JOIN submission USING (submission_id)
    ORDER BY submission_id FOR KEY SHARE OF submission
  )
  SELECT submission_id AS "eventId", website_config_id AS "websiteConfigId", type, received_at AS "createdAt",
    submission_id::text AS subject, NULL AS data
  FROM event LEFT JOIN present USING (submission_id)`

const TakenSubmissions = Schema.Array(
  Schema.Union([Stored, Schema.Struct({ eventId: EventId, type: Schema.String, websiteConfigId: Schema.Null })])
)

/** Takes stored submissions. The events of those that were deleted meanwhile go to `outbox`. */
const takeSubmissions = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const taken = yield* sql.unsafe(takeSubmissionsStatement).pipe(decodeRows(TakenSubmissions))
  const missing = taken.filter(({ websiteConfigId }) => websiteConfigId === null)
  if (missing.length > 0) {
    yield* sql.unsafe(storeMissingStatement, [
      Database.uuids(missing.map(({ eventId }) => eventId)),
      Database.texts(missing.map(({ type }) => type))
    ])
  }
  return taken.filter((row) => row.websiteConfigId !== null)
})

/**
 * Omits websites whose deletion has begun. A webhook with `hasDue` gets no lease on new deliveries: older ones come first. Locks
 * the webhooks in the order of their ids, so that a deletion or a change waits for the commit, and finds the new deliveries.
 */
const subscribersStatement = `SELECT webhook_id AS "subscriberId", site.name AS "websiteName", events, ${Rows.receiverColumns},
  ${Rows.secretColumns}, EXISTS (
    SELECT FROM delivery WHERE subscriber_id = webhook_id AND status = 'pending' AND next_attempt_at <= now()
  ) AS "hasDue"
  FROM webhook JOIN site USING (website_config_id)
  WHERE website_config_id = ANY ($1) AND disabled_at IS NULL AND deleted_at IS NULL
  ORDER BY webhook_id FOR SHARE OF webhook`

const { OID } = PgTypes

const Announced = Schema.Array(Schema.Struct({ subscriberId: Schema.String, subject: Schema.String }))

/**
 * Which subscribers have these submissions as accepted already, or will have, as `Event.deliveries` takes it. One whose delivery was
 * given up has not.
 */
const announcedOf = (sql: PgClient.PgClient, submissionIds: ReadonlyArray<string>) =>
  submissionIds.length === 0
    ? Effect.succeed(new Set<string>())
    : sql
        .unsafe(
          `SELECT DISTINCT subscriber_id AS "subscriberId", subject FROM delivery
            WHERE subject = ANY ($1) AND type = ANY ($2) AND status IN ('pending', 'delivered')`,
          [Database.texts(submissionIds), Database.texts(Event.announcements)]
        )
        .pipe(
          decodeRows(Announced),
          Effect.map((rows) => new Set(rows.map((row) => Event.announcementOf(row.subscriberId, row.subject))))
        )

/** A delivery to be stored, for `Slots`. */
interface New extends Slots.Due {
  readonly delivery: Event.NewDelivery
  readonly webhook: (typeof Subscribers.Type)[number]
}

/** The columns of a delivery. `insertStatement` casts the time from a text. */
const columns: ReadonlyArray<readonly [oid: number, value: (delivery: Event.NewDelivery) => unknown]> = [
  [OID.uuid, ({ event }) => event.eventId],
  [OID.uuid, ({ subscriberId }) => subscriberId],
  [OID.uuid, ({ event }) => event.websiteConfigId],
  [OID.text, ({ event }) => event.type],
  [OID.text, ({ event }) => new Date(event.createdAt).toISOString()],
  [OID.text, ({ event }) => event.subject ?? ""],
  [OID.text, ({ payload }) => payload]
]

/** Stores new deliveries. A leased delivery begins with one attempt and a lease (see `Leases`), any other with neither. */
const insertStatement = `INSERT INTO delivery
    (event_id, subscriber_id, website_config_id, type, created_at, subject, payload, attempts, generation, next_attempt_at)
  SELECT event_id, subscriber_id, website_config_id, type, created_at, nullif(subject, ''), payload::json, attempts, attempts,
    clock_timestamp() + attempts * interval '${leaseMillis} milliseconds'
  FROM unnest($1, $2, $3, $4, $5::timestamptz[], $6, $7, $8)
    AS given (event_id, subscriber_id, website_config_id, type, created_at, subject, payload, attempts)`

const insert = (sql: PgClient.PgClient, deliveries: ReadonlyArray<New>, leased: ReadonlySet<New>) =>
  sql.unsafe(insertStatement, [
    ...columns.map(([oid, value]) =>
      Database.array(
        deliveries.map(({ delivery }) => value(delivery)),
        oid
      )
    ),
    Database.int4s(deliveries.map((one) => (leased.has(one) ? 1 : 0)))
  ])

/** The process that leases: its slots, as for `Deliveries.lease`, and the key that decrypts the webhooks' secrets. */
export interface Lessee {
  readonly key: Uint8Array
  readonly freeSlots: Slots.FreeSlots
  readonly running: ReadonlyMap<string, number>
}

/**
 * Deletes some events from the outbox, or the event `only`, and stores their deliveries, items of mails and automatic replies.
 * Without `secretsKey` the service sends no mail, so no automatic reply is made. Needs a transaction.
 */
export const run = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  lessee: Option.Option<Lessee>,
  secretsKey: Option.Option<Uint8Array>,
  only?: string
): Effect.fn.Return<Leases & { readonly events: number }, SqlError.SqlError> {
  const submissions = only === undefined ? yield* takeSubmissions(sql) : []
  const others = yield* sql
    .unsafe(takeStatement(only), only === undefined ? [] : [PgTypes.uuid(only)])
    .pipe(decodeRows(Events))
  const rows = [...submissions, ...others]
  const events = rows.map((row) => ({ ...row, createdAt: row.createdAt.getTime() }))
  if (events.length === 0) return { events: 0, leased: [], waiting: new Set<string>() }
  const sites = [...new Set(events.map(({ websiteConfigId }) => websiteConfigId))]
  const subscribers = yield* sql.unsafe(subscribersStatement, [Database.uuids(sites)]).pipe(decodeRows(Subscribers))
  const ended = yield* findResumed(sql, events)
  const subjects = new Set([...Event.subjectsOf(events, subscribers), ...ended.map(({ subject }) => subject)])
  const data = yield* dataOfSubjects(sql, [...subjects])
  // First, so that a release does not announce a submission again whose delivery resumes.
  const resumed = yield* resume(sql, ended, data)
  const announced = yield* announcedOf(sql, Event.releasedOf(events))
  const webhooks = new Map<string, (typeof subscribers)[number]>(subscribers.map((one) => [one.webhookId, one]))
  const deliveries = Event.deliveries(events, subscribers, (subject) => data.get(subject), announced).flatMap(
    (delivery): ReadonlyArray<New> => {
      const webhook = webhooks.get(delivery.subscriberId)
      if (webhook === undefined) return []
      const { failingSince, webhookId } = webhook
      return [{ delivery, webhook, webhookId, isFailing: failingSince !== null, dueAt: delivery.event.createdAt }]
    }
  )
  const leasable = deliveries.filter(({ webhook }) => !webhook.hasDue)
  const chosen = Option.match(lessee, {
    onNone: () => [],
    onSome: ({ freeSlots, running }) => Slots.choose(leasable, freeSlots, running)
  })
  yield* MailFanOut.run(sql, events)
  if (Option.isSome(secretsKey)) yield* AutoReplies.fanOut(sql, secretsKey.value, events)
  // Last, so that the leases have only just begun when they are returned.
  if (deliveries.length > 0) yield* insert(sql, deliveries, new Set(chosen))
  return {
    events: events.length,
    leased: Option.match(lessee, {
      onNone: () => [],
      onSome: ({ key }) =>
        chosen.map(({ delivery, webhook }) => ({
          eventId: delivery.event.eventId,
          payload: delivery.payload,
          attempt: 1,
          generation: 1,
          webhook: Rows.toReceiver(webhook),
          secrets: Rows.open(key, webhook)
        }))
    }),
    waiting: new Set([...Slots.waiting(deliveries, chosen), ...resumed])
  }
})

const Ended = Schema.Array(
  Schema.Struct({
    eventId: EventId,
    subscriberId: Schema.String,
    websiteConfigId: WebsiteConfigId,
    websiteName: Schema.String,
    type: Schema.String,
    createdAt: Schema.Date,
    subject: Schema.String
  })
)

/** An earlier restoration is not announced again: the new one has an event of its own. */
const endedStatement = `SELECT event_id AS "eventId", subscriber_id AS "subscriberId", delivery.website_config_id AS "websiteConfigId",
    name AS "websiteName", type, delivery.created_at AS "createdAt", subject
  FROM delivery JOIN submission ON submission_id = ANY ($1::uuid[]) AND submission_id::text = subject
  JOIN site ON site.website_config_id = delivery.website_config_id
  WHERE subject = ANY ($1::uuid[]::text[]) AND payload IS NULL AND delivery.status IN ('cancelled', 'failed')
    AND type <> 'submission.restored' AND (type <> ALL ($2) OR submission.status = 'accepted') AND site.deleted_at IS NULL`

/** The deliveries that events resume. */
export const findResumed = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  events: ReadonlyArray<Event.OutboxEvent>
) {
  const submissionIds = Event.returnedOf(events)
  if (submissionIds.length === 0) return []
  return yield* sql
    .unsafe(endedStatement, [Database.uuids(submissionIds), Database.texts(Event.announcements)])
    .pipe(decodeRows(Ended))
})

/**
 * An attempt that began before the deletion may still be under way until its lease ends, and its outcome is then recorded. The next one
 * waits for that.
 */
const resumeStatement = `UPDATE delivery SET payload = given.payload::json,
    status = CASE status WHEN 'cancelled' THEN 'pending' ELSE status END,
    next_attempt_at = CASE WHEN status <> 'cancelled' THEN NULL
      WHEN next_attempt_at <= clock_timestamp() + interval '${leaseMillis} milliseconds' THEN next_attempt_at ELSE now() END
  FROM unnest($1, $2, $3) AS given (event_id, subscriber_id, payload)
  WHERE delivery.event_id = given.event_id AND delivery.subscriber_id = given.subscriber_id
    AND delivery.payload IS NULL AND status IN ('cancelled', 'failed')
  RETURNING delivery.subscriber_id`

/** Resumes deliveries, and returns their webhooks. */
export const resume = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  ended: typeof Ended.Type,
  data: ReadonlyMap<string, string>
) {
  const resumed = ended.flatMap(
    ({ createdAt, eventId, subject, subscriberId, type, websiteConfigId, websiteName: name }) => {
      const ofSubject = data.get(subject)
      const head = { type, time: createdAt.getTime(), website: { websiteConfigId, name } }
      return ofSubject === undefined ? [] : [{ eventId, subscriberId, payload: Event.payload(head, ofSubject) }]
    }
  )
  if (resumed.length === 0) return []
  yield* Outbox.lockDeliveries(
    sql,
    ended.map(({ subject }) => subject)
  )
  return yield* sql
    .unsafe(resumeStatement, [
      Database.uuids(resumed.map(({ eventId }) => eventId)),
      Database.uuids(resumed.map(({ subscriberId }) => subscriberId)),
      Database.texts(resumed.map(({ payload }) => payload))
    ])
    .pipe(decodeColumn(Schema.String))
})
