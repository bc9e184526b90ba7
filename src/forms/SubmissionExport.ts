/**
 * Formats submissions as JSON, and as a table with a column for each field of their forms. Pure.
 *
 * Control and bidirectional characters are always escaped, since an export may be shown on a terminal. The columns of a table are
 * collected before the rows are written: `addColumns` over all submissions, then `csvHeader` and `csv`.
 *
 * @module
 */
import * as LocalTime from "../analytics/reports/LocalTime.ts"
import { iso } from "../platform/text/Calendar.ts"
import * as Csv from "../platform/text/Csv.ts"
import * as TerminalText from "../platform/text/TerminalText.ts"
import * as Inbox from "./Inbox.ts"
import type { Submission } from "./Submission.ts"

/** Where the submission's visit came from, by column. */
export const attributionOf = ({ attribution }: Pick<Submission, "attribution">) => ({
  source: attribution.source,
  medium: attribution.medium,
  campaign: attribution.campaign,
  referrer: attribution.referrer,
  entry_page: attribution.entryPage
})

/** The submission as a JSON object on one line, without a trailing newline. Its members are parsed to the stored values. */
export const json = (submission: Submission): string =>
  TerminalText.inertJson(
    `{"submission_id":${JSON.stringify(submission.submissionId)},` +
      `"received_at":${JSON.stringify(iso(submission.receivedAt))},` +
      `"email":${JSON.stringify(submission.email)},` +
      `"page_slug":${JSON.stringify(submission.pageSlug)},` +
      `"status":${JSON.stringify(submission.status)},"reasons":${JSON.stringify(submission.reasons)},` +
      Object.entries(attributionOf(submission))
        .map(([name, value]) => `"${name}":${JSON.stringify(value)},`)
        .join("") +
      `"form_data":${submission.formData}}`
  )

/** The submission as a line of newline-delimited JSON. */
export const ndjson = (submission: Submission): string => `${json(submission)}\n`

/**
 * The maximum number of columns for fields, and the maximum length of a field's name that gets a column. Fields without a
 * column are in the last column, as a JSON array of names and values. So are fields that were first sent after the columns
 * were collected.
 */
const limits = { columns: 200, name: 200 }

const ownColumns: ReadonlyArray<string> = [
  "submission_id",
  "received_at",
  "status",
  "reasons",
  "email",
  "page_slug",
  "source",
  "medium",
  "campaign",
  "referrer",
  "entry_page"
]

/** The names of the fields that have a column, in the order of their first appearance. */
export type Columns = Set<string>

/** Adds the columns that a submission needs. */
export const addColumns = (columns: Columns, formData: string): void => {
  for (const { name } of Inbox.fieldsOf(formData)) {
    if (columns.size < limits.columns && name.length <= limits.name) columns.add(name)
  }
}

/** Marks the name of a field that equals the name of another column. */
const titleOf = (name: string): string =>
  ownColumns.includes(name) || name === "other_fields" ? `${name} (form)` : name

/** A time as the clocks of a time zone show it, which spreadsheets read. */
const clock = (time: number, timeZone: string): string =>
  iso(LocalTime.zone(timeZone).toLocal(time)).slice(0, 19).replace("T", " ")

/** Whether a table repeats its times, which are in UTC, in a time zone. */
const hasClock = (timeZone: string): boolean => timeZone !== "UTC"

/** @param timeZone the website's, in which the times are repeated unless it is UTC */
export const csvHeader = (columns: Columns, timeZone: string): string =>
  Csv.record(
    [
      ...ownColumns.toSpliced(2, 0, ...(hasClock(timeZone) ? [`received_at (${timeZone})`] : [])),
      ...[...columns].map(titleOf),
      "other_fields"
    ].map(Csv.text)
  )

/**
 * A submission as a CSV record. The values of a repeated field are in one cell, separated by `\u000a` (an escaped line feed).
 */
export const csv = (message: Inbox.Message, columns: Columns, timeZone: string): string => {
  const values = new Map<string, string>()
  const others: Array<readonly [name: string, value: string]> = []
  for (const { name, value } of Inbox.fieldsOf(message.formData)) {
    if (columns.has(name)) values.set(name, values.has(name) ? `${values.get(name)}\n${value}` : value)
    else others.push([name, value])
  }
  return Csv.record([
    ...[
      message.submissionId,
      iso(message.receivedAt),
      ...(hasClock(timeZone) ? [clock(message.receivedAt, timeZone)] : []),
      message.status,
      message.reasons.join(" "),
      message.email,
      message.pageSlug,
      ...Object.values(attributionOf(message))
    ].map(Csv.text),
    ...[...columns].map((name) => Csv.text(values.get(name) ?? null)),
    others.length === 0 ? Csv.text(null) : Csv.json(JSON.stringify(others))
  ])
}
