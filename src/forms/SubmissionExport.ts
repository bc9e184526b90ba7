/**
 * Formats submissions as newline-delimited JSON or CSV. Pure.
 *
 * The fields of a form differ between submissions, and this export is written in one pass, so the header cannot list them.
 * The CSV therefore has one column `form_data` with JSON text. `SubmissionTable` reads the submissions twice instead.
 *
 * Control and bidirectional characters are always escaped, since an export may be shown on a terminal.
 *
 * @module
 */
import { iso } from "../platform/text/Calendar.ts"
import * as Csv from "../platform/text/Csv.ts"
import * as TerminalText from "../platform/text/TerminalText.ts"
import type { Submission } from "./Submission.ts"

export interface ExportOptions {
  /** Whether to include the status and its reasons. */
  readonly withVerdict?: boolean
}

/** Where the submission's visit came from, by column. */
const attributionOf = ({ attribution }: Submission): Readonly<Record<string, string | null>> => ({
  source: attribution.source,
  medium: attribution.medium,
  campaign: attribution.campaign,
  referrer: attribution.referrer,
  entry_page: attribution.entryPage
})

/** The submission as a JSON object on one line, without a trailing newline. Its members are parsed to the stored values. */
export const json = (submission: Submission, options?: ExportOptions): string =>
  TerminalText.inertJson(
    `{"submission_id":${JSON.stringify(submission.submissionId)},` +
      `"received_at":${JSON.stringify(iso(submission.receivedAt))},` +
      `"email":${JSON.stringify(submission.email)},` +
      `"page_slug":${JSON.stringify(submission.pageSlug)},` +
      (options?.withVerdict === true
        ? `"status":${JSON.stringify(submission.status)},"reasons":${JSON.stringify(submission.reasons)},`
        : "") +
      Object.entries(attributionOf(submission))
        .map(([name, value]) => `"${name}":${JSON.stringify(value)},`)
        .join("") +
      `"form_data":${submission.formData}}`
  )

/** The submission as a line of newline-delimited JSON. */
export const ndjson = (submission: Submission, options?: ExportOptions): string => `${json(submission, options)}\n`

export const csvHeader = (options?: ExportOptions): string =>
  Csv.record(
    [
      "submission_id",
      "received_at",
      "email",
      "page_slug",
      ...(options?.withVerdict === true ? ["status", "reasons"] : []),
      ...["source", "medium", "campaign", "referrer", "entry_page"],
      "form_data"
    ].map(Csv.text)
  )

/**
 * The submission as a CSV record. A null is an empty cell, and reasons are separated by spaces. The value of `form_data` stays
 * the same; all other texts have the escapes and apostrophes of `Csv.safe`.
 */
export const csv = (submission: Submission, options?: ExportOptions): string =>
  Csv.record([
    Csv.text(submission.submissionId),
    Csv.text(iso(submission.receivedAt)),
    Csv.text(submission.email),
    Csv.text(submission.pageSlug),
    ...(options?.withVerdict === true ? [Csv.text(submission.status), Csv.text(submission.reasons.join(" "))] : []),
    ...Object.values(attributionOf(submission)).map(Csv.text),
    Csv.json(submission.formData)
  ])
