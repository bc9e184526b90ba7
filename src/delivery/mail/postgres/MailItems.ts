/**
 * The items of a recipient's mails, each a submission or a conversation. An item waits until a mail takes it. That of a submission that
 * is deleted, or that is suspected spam of which its recipient gets no mail, waits until the submission is restored or released: a mail
 * that is sent meanwhile leaves it to a later one.
 *
 * @module
 */
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import type { WebsiteConfigId } from "../../../platform/Id.ts"
import * as Database from "../../../platform/postgres/Database.ts"

/** An SQL condition: whether the recipient of a row of `mail_item` may get it now. */
export const isMailable = `(mail_item.submission_id IS NULL OR EXISTS (
    SELECT FROM submission JOIN notification ON notification.notification_id = mail_item.notification_id
    WHERE submission.submission_id = mail_item.submission_id AND (submission.status = 'accepted' OR include_quarantined)
  ))`

/** The fan-out of a restoration or a release waits for the lock, and then finds the items that wait. */
const lockStatement = `SELECT FROM notification WHERE notification_id IN (
    SELECT notification_id FROM mail_item WHERE mail_id = ANY ($1) AND NOT ${isMailable}
  ) ORDER BY notification_id FOR NO KEY UPDATE`

const leaveStatement = `UPDATE mail_item SET mail_id = NULL WHERE mail_id = ANY ($1) AND NOT ${isMailable}`

/** Takes the items out of these mails that their recipients may not get now. Needs a transaction. */
export const leave = (sql: SqlClient.SqlClient, mailIds: ReadonlyArray<string>) =>
  Effect.forEach([lockStatement, leaveStatement], (statement) => sql.unsafe(statement, [Database.uuids(mailIds)]), {
    discard: true
  })

/** A mail that is not sent may leave its items. */
const resumeStatement = `UPDATE notification SET due_at = to_timestamp(0) FROM mail_item LEFT JOIN mail USING (mail_id)
  WHERE notification.website_config_id = ANY ($1) AND mail_item.notification_id = notification.notification_id
    AND submission_id = ANY ($2) AND (mail_item.mail_id IS NULL OR status = 'pending')`

/** Makes the mails about these submissions due whose items waited, or may wait in a moment. */
export const resume = (
  sql: SqlClient.SqlClient,
  websiteConfigIds: ReadonlyArray<WebsiteConfigId>,
  submissionIds: ReadonlyArray<string>
) => sql.unsafe(resumeStatement, [Database.uuids(websiteConfigIds), Database.uuids(submissionIds)])
