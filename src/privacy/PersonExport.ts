/**
 * Formats a person's data as JSON. Control and bidirectional characters are escaped, since an export may be shown on
 * a terminal. Pure.
 *
 * @module
 */

import * as Transcript from "../chat/conversations/Transcript.ts"
import * as SubmissionExport from "../forms/SubmissionExport.ts"
import { iso } from "../platform/text/Calendar.ts"
import * as TerminalText from "../platform/text/TerminalText.ts"
import type { PersonRecord } from "./Person.ts"

/** Puts members before those of `object`, which is JSON text, as is the result. */
const prefixed = (members: Readonly<Record<string, string>>, object: string): string =>
  `${JSON.stringify(members).slice(0, -1)},${object.slice(1)}`

/** A record as a JSON object on one line, without a trailing newline. */
export const json = (record: PersonRecord): string => {
  const { kind } = record
  switch (kind) {
    case "submission": {
      const { replies, submission } = record
      const members = { kind, website_config_id: submission.websiteConfigId }
      const object = prefixed(members, SubmissionExport.json(submission))
      return replies.length === 0
        ? object
        : TerminalText.inertJson(`${object.slice(0, -1)},"replies":${JSON.stringify(replies)}}`)
    }
    case "conversation":
      return prefixed({ kind, instance_id: record.instanceId }, Transcript.json(Transcript.of(record.conversation)))
    case "notification": {
      const { created_at, digest, notification_id, report, to, website_config_id } = record.notification
      const about = report === null ? { digest } : { report }
      return TerminalText.inertJson(
        JSON.stringify({ kind, notification_id, website_config_id, to, ...about, created_at })
      )
    }
    case "spam_mark":
      return TerminalText.inertJson(JSON.stringify({ kind, ...record.mark }))
    case "account":
      return TerminalText.inertJson(JSON.stringify({ kind, ...record.account }))
    case "delivery": {
      const { createdAt, eventId, payload, status, subscriberId, type } = record.delivery
      const members = { kind, event_id: eventId, subscriber_id: subscriberId, type, created_at: iso(createdAt), status }
      return TerminalText.inertJson(prefixed(members, `{"payload":${payload}}`))
    }
  }
}
