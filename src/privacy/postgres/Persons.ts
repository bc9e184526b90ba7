/**
 * Finds and deletes the data of a person in the database.
 *
 * Every table with personal data needs a `Store` here, unless its rows are deliveries of records that another store finds.
 *
 * @module
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Layer, Schema, Stream } from "effect"
import * as Rows from "../../delivery/mail/postgres/Notifications.ts"
import { refreshSubscribers } from "../../delivery/postgres/Webhooks.ts"
import * as SpamMarks from "../../forms/postgres/SpamMarks.ts"
import { WebsiteConfigId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Person from "../Person.ts"
import { Persons, type Query } from "../Persons.ts"
import * as PersonAccounts from "./PersonAccounts.ts"
import * as PersonConversations from "./PersonConversations.ts"
import * as PersonSubmissions from "./PersonSubmissions.ts"
import * as Store from "./Store.ts"

/** For each kind of data, the field of `Person.Erased` that counts it. */
const counted = {
  submission: "submissions",
  conversation: "conversations",
  notification: "notifications",
  spam_mark: "spam_marks",
  account: "accounts"
} as const satisfies Record<Person.Kind, keyof Person.Erased>

const FoundNotifications = Schema.Array(Schema.Struct(Rows.fields))

/** `$2` is a website, or null for all. */
const notificationsStatement = `SELECT ${Rows.columns} FROM notification
  WHERE ${Store.mayContain("recipient", "$1")} AND ($2::uuid IS NULL OR website_config_id = $2)
  ORDER BY created_at, notification_id`

/** The notifications whose mails go to a person, and their mails. They are few, because visitors cannot add any. */
const notifications = (sql: PgClient.PgClient): Store.Store => ({
  search: (query) =>
    Store.searchAtOnce(
      sql.unsafe(notificationsStatement, [Store.needle(query), PgTypes.uuid(query.websiteConfigId)]),
      FoundNotifications,
      (notification) =>
        Person.isRecipient(notification, query.address)
          ? { record: { kind: "notification", notification }, subject: notification.notification_id }
          : null
    ),
  erase: Effect.fnUntraced(function* (found) {
    const notifications = found.flatMap(({ record }) => (record.kind === "notification" ? [record.notification] : []))
    for (const [websiteConfigId, ofWebsite] of Map.groupBy(notifications, (one) => one.website_config_id)) {
      const ids = ofWebsite.map(({ notification_id }) => notification_id)
      // As in every change of a website's notifications, the website is locked first (see `Recipients`).
      yield* sql`SELECT 1 FROM site WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} FOR NO KEY UPDATE`.pipe(
        Effect.andThen(
          sql`DELETE FROM notification WHERE notification_id = ANY (${Database.array(ids, PgTypes.OID.uuid)})`
        ),
        Effect.andThen(refreshSubscribers(sql, websiteConfigId)),
        sql.withTransaction,
        Database.mapErrors
      )
    }
    return notifications.length
  })
})

const Marks = Schema.Array(Schema.Struct({ ...SpamMarks.fields, website_config_id: WebsiteConfigId }))

/** `$2` is a website, or null for all. */
const marksStatement = `SELECT ${SpamMarks.columns}, website_config_id FROM spam_mark
  WHERE (${Store.mayContain("email", "$1")} OR ${Store.mayContainEncoded("text", "$1")})
    AND ($2::uuid IS NULL OR website_config_id = $2)
  ORDER BY created_at, mark_id`

/** The marks of spam that have a person's address. A website has few. */
const spamMarks = (sql: PgClient.PgClient): Store.Store => ({
  search: (query) =>
    Store.searchAtOnce(
      sql.unsafe(marksStatement, [Store.needle(query), PgTypes.uuid(query.websiteConfigId)]),
      Marks,
      (mark) =>
        [mark.email, mark.text].some((one) => one !== null && Person.isMentioned(one, query.address))
          ? { record: { kind: "spam_mark", mark }, subject: mark.mark_id }
          : null
    ),
  erase: (found) => {
    const ids = found.flatMap(({ record }) => (record.kind === "spam_mark" ? [record.mark.mark_id] : []))
    return sql`DELETE FROM spam_mark WHERE mark_id = ANY (${Database.array(ids, PgTypes.OID.uuid)})`.pipe(
      Database.mapErrors,
      Effect.as(ids.length)
    )
  }
})

export const layer: Layer.Layer<Persons, never, PgClient.PgClient> = Layer.effect(
  Persons,
  Effect.map(PgClient.PgClient, (sql) => {
    const stores: Readonly<Record<Person.Kind, Store.Store>> = {
      submission: PersonSubmissions.make(sql),
      conversation: PersonConversations.make(sql),
      notification: notifications(sql),
      spam_mark: spamMarks(sql),
      account: PersonAccounts.make(sql)
    }

    /** The results of each statement that finds anything, with their deliveries. */
    const search = (query: Query) =>
      Stream.fromIterable(query.kinds).pipe(
        Stream.flatMap((kind) => Stream.map(stores[kind].search(query), (found) => ({ kind, found }))),
        Stream.filter(({ found }) => found.length > 0),
        Stream.mapEffect(({ found, kind }) =>
          Store.deliveriesOf(sql, found).pipe(
            Database.mapErrors,
            Effect.map((deliveries) => ({ kind, found, deliveries }))
          )
        )
      )

    return {
      records: (query) =>
        Stream.flatMap(search(query), ({ deliveries, found }) =>
          Stream.fromIterable(
            found.flatMap(
              ({ record, subject }): ReadonlyArray<Person.PersonRecord> => [
                record,
                ...(deliveries.get(subject) ?? []).map((delivery) => ({ kind: "delivery" as const, delivery }))
              ]
            )
          )
        ),
      erase: (query) =>
        search(query).pipe(
          Stream.mapEffect(({ deliveries, found, kind }) =>
            Effect.map(stores[kind].erase(found), (erased) => ({
              ...Person.nothing,
              [counted[kind]]: erased,
              deliveries: [...deliveries.values()].reduce((sum, ofSubject) => sum + ofSubject.length, 0)
            }))
          ),
          Stream.runFold(() => Person.nothing, Person.add)
        )
    }
  })
)
