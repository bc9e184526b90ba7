/**
 * The columns of a notification.
 *
 * @module
 */
import { WebsiteConfigId } from "../../../platform/Id.ts"
import { Time } from "../../../platform/runtime/Rows.ts"
import { Notification } from "../Notification.ts"

export const fields = { ...Notification.fields, website_config_id: WebsiteConfigId, created_at: Time }

export const columns = `notification.notification_id, notification.website_config_id, recipient AS "to", period AS report, page,
  digest, include_quarantined AS quarantined, mails_conversations AS conversations, mails_problems AS problems, is_confirmed AS confirmed, notification.created_at`
