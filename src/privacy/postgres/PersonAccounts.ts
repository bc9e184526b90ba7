/**
 * Finds the person who logs in to the console with an address, and the unopened invitations to it, and deletes both. They belong to
 * no website: an owner of one removes people under Sharing, and a member, who may erase a visitor's data, removes none.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Schema, Stream } from "effect"
import { PersonId, SessionId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import { decodeRows, Time } from "../../platform/runtime/Rows.ts"
import * as ConsolePerson from "../../sites/access/Person.ts"
import * as CredentialSql from "../../sites/access/postgres/CredentialSql.ts"
import * as Issuers from "../../sites/access/postgres/Issuers.ts"
import * as PeopleSql from "../../sites/access/postgres/PeopleSql.ts"
import * as Person from "../Person.ts"
import * as Store from "./Store.ts"

const Rows = Schema.Array(
  Schema.Struct({
    person_id: Schema.NullOr(PersonId),
    session_id: Schema.NullOr(SessionId),
    email: Schema.String,
    name: Schema.NullOr(Schema.String),
    created_at: Time,
    confirmed_at: Schema.NullOr(Time),
    roles: PeopleSql.fields.personRoles,
    devices: Schema.Array(Schema.String)
  })
)

/** The roles of a row, as `PeopleSql.parseRoles` reads them. */
const rolesOf = (role: string, site: string, from: string): string =>
  `ARRAY(SELECT ${role} || ' ' || coalesce(${site}::text, '') FROM ${from})`

const statement = `SELECT person_id, NULL AS session_id, email, name, created_at, confirmed_at,
    ${rolesOf("role", "website_config_id", "person_role AS own WHERE own.person_id = person.person_id")} AS roles,
    ARRAY(SELECT device FROM console_session WHERE console_session.person_id = person.person_id AND device IS NOT NULL
      ORDER BY opened_at) AS devices
  FROM person WHERE ${Store.mayContain("email", "$1")}
  UNION ALL
  SELECT NULL, session_id, email, label, created_at, NULL, CASE WHEN all_sites THEN ARRAY[role || ' '] ELSE
      ${rolesOf("role", "website_config_id", "console_session_site AS reached WHERE reached.session_id = console_session.session_id")} END,
    '{}' FROM console_session
  WHERE email IS NOT NULL AND ${Store.mayContain("email", "$1")}`

export const make = (sql: PgClient.PgClient): Store.Store => ({
  search: (query) =>
    query.websiteConfigId !== null
      ? Stream.empty
      : Stream.fromEffect(
          sql.unsafe(statement, [Store.needle(query)]).pipe(
            Database.mapErrors,
            decodeRows(Rows),
            Effect.map((rows) =>
              rows
                .filter(({ email }) => Person.isRecipient({ to: email }, query.address))
                .map(
                  ({ roles, ...account }): Store.FoundRecord => ({
                    record: {
                      kind: "account",
                      account: { ...account, roles: ConsolePerson.grouped(PeopleSql.parseRoles(roles)) }
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
        yield* sql`DELETE FROM person_role WHERE person_id = ANY (${Database.array(people, PgTypes.OID.uuid)})`
        yield* Issuers.settlePeople(sql, people, now)
        yield* sql`UPDATE console_session SET ${sql.literal(Issuers.end.set)}
          WHERE session_id = ANY (${Database.array(links, PgTypes.OID.uuid)}) AND opened_at IS NULL`
      })
    ).pipe(Database.mapErrors)
    return accounts.length
  })
})
