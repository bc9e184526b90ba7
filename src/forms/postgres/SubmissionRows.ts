/**
 * The columns of a stored submission.
 *
 * @module
 */
import { Schema } from "effect"
import { SubmissionId, WebsiteConfigId } from "../../platform/Id.ts"
import { type Submission, statuses } from "../Submission.ts"

/** The columns, with an expression for the form's data as text. */
export const columnsWith = (
  formData: string
) => `submission_id, submission.website_config_id, received_at, email, page_slug,
  ${formData} AS form_data, status, reasons, source, medium, campaign, referrer, entry_page`

/** All columns of the tables `submission` and `deleted_submission`. */
export const tableColumns = `submission_id, website_config_id, received_at, email, page_slug, form_data, status, reasons, source,
  medium, campaign, referrer, entry_page, is_read, is_mailed, instance_id, conversation_id`

export const columns = columnsWith("form_data::text")

const Text = Schema.NullOr(Schema.String)

export const fields = {
  submission_id: SubmissionId,
  website_config_id: WebsiteConfigId,
  received_at: Schema.Date,
  email: Text,
  page_slug: Text,
  form_data: Schema.String,
  status: Schema.Literals(statuses),
  reasons: Schema.Array(Schema.String),
  source: Text,
  medium: Text,
  campaign: Text,
  referrer: Text,
  entry_page: Text
}

export const Rows = Schema.Array(Schema.Struct(fields))

export const fromRow = (row: (typeof Rows.Type)[number]): Submission => ({
  submissionId: row.submission_id,
  websiteConfigId: row.website_config_id,
  receivedAt: row.received_at.getTime(),
  email: row.email,
  pageSlug: row.page_slug,
  formData: row.form_data,
  status: row.status,
  reasons: row.reasons,
  attribution: {
    source: row.source,
    medium: row.medium,
    campaign: row.campaign,
    referrer: row.referrer,
    entryPage: row.entry_page
  }
})
