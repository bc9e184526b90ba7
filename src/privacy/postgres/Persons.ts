/**
 * Finds and deletes the data of a person in the database.
 *
 * Every table with personal data needs a `Store` here, unless its rows are deliveries of records that another store finds.
 *
 * @module
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Stream } from "effect"
import * as Database from "../../platform/postgres/Database.ts"
import * as Person from "../Person.ts"
import { Persons, type Query } from "../Persons.ts"
import * as PersonAccounts from "./PersonAccounts.ts"
import * as PersonConversations from "./PersonConversations.ts"
import * as PersonNotifications from "./PersonNotifications.ts"
import * as PersonSpamMarks from "./PersonSpamMarks.ts"
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

export const layer: Layer.Layer<Persons, never, PgClient.PgClient> = Layer.effect(
  Persons,
  Effect.map(PgClient.PgClient, (sql) => {
    const stores: Readonly<Record<Person.Kind, Store.Store>> = {
      submission: PersonSubmissions.make(sql),
      conversation: PersonConversations.make(sql),
      notification: PersonNotifications.make(sql),
      spam_mark: PersonSpamMarks.make(sql),
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
