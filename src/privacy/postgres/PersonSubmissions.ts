/**
 * Finds and deletes the submissions of a person. A website's submissions are read in the order of their index.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Option, Schema, Stream } from "effect"
import * as Replies from "../../delivery/mail/postgres/Replies.ts"
import * as SubmissionRows from "../../forms/postgres/SubmissionRows.ts"
import { WebsiteConfigId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Person from "../Person.ts"
import * as Store from "./Store.ts"

/** The maximum number of submissions that a statement searches, small because one can have hundreds of kilobytes. */
const pageSize = 64

/** A position in the order of a website's submissions. The time is a text, which keeps its microseconds. */
const Positions = Schema.Array(Schema.Struct({ time: Schema.String, id: Schema.String }))

type Position = (typeof Positions.Type)[number]

const Found = Schema.Array(Schema.Struct({ ...SubmissionRows.fields, replies: Replies.RepliesColumn }))

const first: Position = { time: "-infinity", id: "00000000-0000-0000-0000-000000000000" }
const last: Position = { time: "infinity", id: "ffffffff-ffff-ffff-ffff-ffffffffffff" }

/** Those that can be restored are still the person's data. */
const tables = ["submission", "deleted_submission"] as const

type Table = (typeof tables)[number]

/** The submissions of a website after a position. */
const after = (table: Table) =>
  `FROM ${table} AS submission WHERE website_config_id = $1 AND (received_at, submission_id) > ($2::timestamptz, $3)`

/** The last position of a page; none if fewer submissions than `pageSize` are left. Reads the index only. */
const endStatement = (table: Table) => `SELECT received_at::text AS time, submission_id AS id ${after(table)}
  ORDER BY received_at, submission_id OFFSET ${pageSize - 1} LIMIT 1`

/** The submissions of a page that may be the person's, including those whose escaped characters may hide the address. */
const pageStatement = (table: Table) => `SELECT ${SubmissionRows.columns},
    ${Replies.repliesColumn("submission.submission_id")} AS replies ${after(table)}
    AND (received_at, submission_id) <= ($4::timestamptz, $5)
    AND (${Store.mayContainEncoded("email", "$6")} OR ${Store.mayContainEncoded("form_data::text", "$6")}
      OR strpos(form_data::text, '\\u') > 0 OR strpos(form_data::text, '\\/') > 0)
  ORDER BY received_at, submission_id`

export const make = (sql: PgClient.PgClient): Store.Store => {
  const parametersOf = ({ id, time }: Position) => [PgTypes.text(time), PgTypes.uuid(id)]

  const pages = (query: Parameters<Store.Store["search"]>[0], websiteConfigId: WebsiteConfigId, table: Table) => {
    const website = PgTypes.uuid(websiteConfigId)
    return Stream.paginate(
      first,
      Effect.fnUntraced(function* (from) {
        const [end] = yield* sql
          .unsafe(endStatement(table), [website, ...parametersOf(from)])
          .pipe(Database.read(Positions))
        const rows = yield* sql
          .unsafe(pageStatement(table), [
            website,
            ...parametersOf(from),
            ...parametersOf(end ?? last),
            Store.needle(query)
          ])
          .pipe(Database.read(Found))
        const found = rows
          .map((row) => ({ submission: SubmissionRows.fromRow(row), replies: row.replies ?? [] }))
          .filter(({ submission }) => Person.hasSubmitted(submission, query.address))
          .map(
            ({ replies, submission }): Store.FoundRecord => ({
              record: { kind: "submission", submission, replies },
              subject: submission.submissionId
            })
          )
        return [[found], Option.fromUndefinedOr(end)] as const
      })
    )
  }

  return {
    search: (query) =>
      Stream.fromIterableEffect(
        sql`SELECT website_config_id FROM site
          WHERE ${query.websiteConfigId === null ? sql.literal("true") : sql`website_config_id = ${PgTypes.uuid(query.websiteConfigId)}`}
          ORDER BY created_at, website_config_id`.pipe(Database.readColumn(WebsiteConfigId))
      ).pipe(Stream.flatMap((id) => Stream.flatMap(Stream.fromIterable(tables), (table) => pages(query, id, table)))),
    erase: Effect.fnUntraced(function* (found) {
      const submissions = found.flatMap(({ record }) => (record.kind === "submission" ? [record.submission] : []))
      for (const [website, ofWebsite] of Map.groupBy(submissions, ({ websiteConfigId }) => websiteConfigId)) {
        const ids = ofWebsite.map(({ submissionId }) => submissionId)
        yield* SubmissionRows.erase(sql, website, ids).pipe(Database.mapErrors)
      }
      return submissions.length
    })
  }
}
