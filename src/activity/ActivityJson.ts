/**
 * Encodes activities of a website for the owner API. Pure.
 *
 * @module
 */

import * as Calendar from "../platform/text/Calendar.ts"
import type { Activity } from "./Activity.ts"

export const of = (activity: Activity) => {
  const received_at = Calendar.iso(activity.receivedAt)
  if (activity.type === "submission") {
    const { pageSlug, status, submissionId, type } = activity
    return { type, received_at, submission_id: submissionId, status, page_slug: pageSlug }
  }
  if (activity.type === "conversation") {
    const { conversationId, instanceId, type } = activity
    return { type, received_at, instance_id: instanceId, conversation_id: conversationId }
  }
  const { browser, country, deviceType: device, path } = activity
  const visitor = { received_at, path, country, device, browser }
  return activity.type === "event"
    ? { type: activity.type, ...visitor, name: activity.name }
    : { type: activity.type, ...visitor, source: activity.source }
}
