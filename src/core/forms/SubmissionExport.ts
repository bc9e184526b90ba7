/**
 * Writes submissions for their owner, one at a time, as lines of JSON or as records of CSV. Pure.
 *
 * A form's fields differ from one submission to the next, and an export is written in one pass: the names of all fields are
 * not known when the header is written. So the CSV has one column `form_data` with the JSON text, beside the columns that
 * every submission has.
 *
 * Control and bidirectional characters are always escaped: an export may be read on a terminal, directly or later.
 *
 * @module
 */
import { iso } from "../text/Calendar.ts"
import * as Csv from "../text/Csv.ts"
import * as TerminalText from "../text/TerminalText.ts"
import type { Submission } from "./Submission.ts"

/** What is written of a submission: what the visitor sent, or what was decided of it as well. */
export interface ExportOptions {
  readonly withVerdict?: boolean
}

/** The submission as a JSON object, on one line and without its end. Every token of `form_data` keeps its meaning. */
export const json = (submission: Submission, options?: ExportOptions): string =>
  TerminalText.inertJson(
    `{"submission_id":${JSON.stringify(submission.submissionId)},` +
      `"received_at":${JSON.stringify(iso(submission.receivedAt))},` +
      `"email":${JSON.stringify(submission.email)},` +
      `"page_slug":${JSON.stringify(submission.pageSlug)},` +
      (options?.withVerdict === true
        ? `"status":${JSON.stringify(submission.status)},"reasons":${JSON.stringify(submission.reasons)},`
        : "") +
      `"form_data":${submission.formData}}`
  )

/** The submission as a line of newline-delimited JSON. */
export const ndjson = (submission: Submission, options?: ExportOptions): string => `${json(submission, options)}\n`

/** The record of CSV that stands first and names the columns. */
export const csvHeader = (options?: ExportOptions): string =>
  Csv.record(
    [
      "submission_id",
      "received_at",
      "email",
      "page_slug",
      ...(options?.withVerdict === true ? ["status", "reasons"] : []),
      "form_data"
    ].map(Csv.text)
  )

/**
 * The submission as a record of CSV. No email and no page is an empty cell; reasons have spaces between them. `form_data`
 * loses nothing; `email` and `page_slug` show escapes and apostrophes for what `Csv.safe` replaces.
 */
export const csv = (submission: Submission, options?: ExportOptions): string =>
  Csv.record([
    Csv.text(submission.submissionId),
    Csv.text(iso(submission.receivedAt)),
    Csv.text(submission.email),
    Csv.text(submission.pageSlug),
    ...(options?.withVerdict === true ? [Csv.text(submission.status), Csv.text(submission.reasons.join(" "))] : []),
    Csv.json(submission.formData)
  ])
