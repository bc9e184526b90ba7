/**
 * Finds and deletes the data of a person in the database.
 *
 * Every table with personal data needs a `Store` here, unless its rows are deliveries of records that another store finds. A person who
 * logs in to the console, and an unopened invitation, belong to no website: an owner of one removes people under Sharing, and a member,
 * who may erase a visitor's data, removes none.
 *
 * @module
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Layer, Schema, Stream } from "effect"
import * as Rows from "../../delivery/mail/postgres/Notifications.ts"
import { refreshSubscribers } from "../../delivery/postgres/Webhooks.ts"
import * as SpamMarks from "../../forms/postgres/SpamMarks.ts"
import { PersonId, SessionId, WebsiteConfigId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import { Time } from "../../platform/runtime/Rows.ts"
import * as ConsolePerson from "../../sites/access/Person.ts"
import * as CredentialSql from "../../sites/access/postgres/CredentialSql.ts"
import * as People from "../../sites/access/postgres/People.ts"
import * as Person from "../Person.ts"
import * as PersonConversations from "./PersonConversations.ts"
import * as PersonSubmissions from "./PersonSubmissions.ts"
import * as Store from "./Store.ts"

const Accounts = Schema.Array(
  Schema.Struct({
    person_id: Schema.NullOr(PersonId),
    session_id: Schema.NullOr(SessionId),
    email: Schema.String,
    name: Schema.NullOr(Schema.String),
    created_at: Time,
    confirmed_at: Schema.NullOr(Time),
    roles: People.personFields.personRoles,
    devices: Schema.Array(Schema.String)
  })
)

/** The roles of a row, as `People.parseRoles` reads them. */
const rolesOf = (role: string, site: string, from: string): string =>
  `ARRAY(SELECT ${role} || ' ' || coalesce(${site}::text, '') FROM ${from})`

const accountsStatement = `SELECT person_id, NULL AS session_id, email, name, created_at, confirmed_at,
    ${rolesOf("role", "website_config_id", "person_role AS own WHERE own.person_id = person.person_id")} AS roles,
    ARRAY(SELECT device FROM console_session WHERE console_session.person_id = person.person_id AND device IS NOT NULL
      ORDER BY opened_at) AS devices
  FROM person WHERE ${Store.mayContain("email", "$1")}
  UNION ALL
  SELECT NULL, session_id, email, label, created_at, NULL, CASE WHEN all_sites THEN ARRAY[role || ' '] ELSE
      ${rolesOf("role", "website_config_id", "console_session_site AS reached WHERE reached.session_id = console_session.session_id")} END,
    '{}' FROM console_session
  WHERE email IS NOT NULL AND ${Store.mayContain("email", "$1")}`

export const accounts = (sql: PgClient.PgClient): Store.Store => ({
  search: (query) =>
    query.websiteConfigId !== null
      ? Stream.empty
      : Stream.fromEffect(
          sql.unsafe(accountsStatement, [Store.needle(query)]).pipe(
            Database.read(Accounts),
            Effect.map((rows) =>
              rows
                .filter(({ email }) => Person.isRecipient({ to: email }, query.address))
                .map(
                  ({ roles, ...account }): Store.FoundRecord => ({
                    record: {
                      kind: "account",
                      account: { ...account, roles: ConsolePerson.grouped(People.parseRoles(roles)) }
                    },
                    subject: account.person_id ?? account.session_id ?? ""
                  })
                )
            )
          )
        ),
  erase: Effect.fnUntraced(function* (found) {
    const accounts = found.flatMap(({ record }) => (record.kind === "account" ? [record.account] : []))
    const people = accounts.flatMap(({ person_id }) => (person_id === null ? [] : [person_id]))
    const links = accounts.flatMap(({ session_id }) => (session_id === null ? [] : [session_id]))
    const now = yield* Clock.currentTimeMillis
    yield* CredentialSql.byIndex(
      sql,
      Effect.gen(function* () {
        yield* sql`DELETE FROM person_role WHERE person_id = ANY (${Database.uuids(people)})`
        yield* CredentialSql.settlePeople(sql, people, now)
        yield* sql`UPDATE console_session SET ${sql.literal(CredentialSql.sessionEnd.set)}
          WHERE session_id = ANY (${Database.uuids(links)}) AND opened_at IS NULL`
      })
    ).pipe(Database.mapErrors)
    return accounts.length
  })
})

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
        Effect.andThen(sql`DELETE FROM notification WHERE notification_id = ANY (${Database.uuids(ids)})`),
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
    return sql`DELETE FROM spam_mark WHERE mark_id = ANY (${Database.uuids(ids)})`.pipe(
      Database.mapErrors,
      Effect.as(ids.length)
    )
  }
})

export const layer: Layer.Layer<Person.Persons, never, PgClient.PgClient> = Layer.effect(
  Person.Persons,
  Effect.map(PgClient.PgClient, (sql) => {
    const stores: Readonly<Record<Person.Kind, Store.Store>> = {
      submission: PersonSubmissions.make(sql),
      conversation: PersonConversations.make(sql),
      notification: notifications(sql),
      spam_mark: spamMarks(sql),
      account: accounts(sql)
    }

    /** The results of each statement that finds anything, with their deliveries. */
    const search = (query: Person.Query) =>
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
