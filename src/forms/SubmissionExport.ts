/**
 * Formats submissions as JSON. Pure.
 *
 * Control and bidirectional characters are always escaped, since an export may be shown on a terminal.
 *
 * @module
 */
import { iso } from "../platform/text/Calendar.ts"
import * as TerminalText from "../platform/text/TerminalText.ts"
import type { Submission } from "./Submission.ts"

/** Where the submission's visit came from, by column. */
const attributionOf = ({ attribution }: Submission): Readonly<Record<string, string | null>> => ({
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
