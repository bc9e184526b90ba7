/**
 * The columns of a reply, and the replies to a submission as a column of a query about submissions.
 *
 * @module
 */
import { Schema } from "effect"
import { Time } from "../../../platform/runtime/Rows.ts"
import { Reply } from "../Reply.ts"

export const fields = { ...Reply.fields, created_at: Time }

export const columns = `reply_id, created_at, author, reply_to, recipient AS "to", subject, body AS text, status, error`

/** A row's replies, as `ofSubmission` selects them. */
export const Replies = Schema.NullOr(Schema.fromJsonString(Schema.Array(Reply)))

/** An SQL expression: the replies to a submission (an expression) as a JSON text, oldest first; null for none. */
export const ofSubmission = (submission: string): string => `(SELECT json_agg(json_build_object('reply_id', reply_id,
    'created_at', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'author', author,
    'reply_to', reply_to, 'to', recipient, 'subject', subject, 'text', body, 'status', status, 'error', error
  ) ORDER BY created_at, reply_id)::text FROM reply WHERE reply.submission_id = ${submission})`
