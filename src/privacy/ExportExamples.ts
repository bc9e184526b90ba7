/**
 * An example of each export, made by the functions that format exports. Pure.
 *
 * @module
 */
import * as AnalyticsExport from "../analytics/ExportRow.ts"
import type { Message } from "../chat/conversations/Conversation.ts"
import * as ConversationExport from "../chat/conversations/ConversationExport.ts"
import type * as Inbox from "../forms/InboxMessage.ts"
import * as SubmissionExport from "../forms/SubmissionExport.ts"
import * as SubmissionTable from "../forms/SubmissionTable.ts"
import { HostedWebsiteId, WebsiteConfigId } from "../platform/Id.ts"
import * as Examples from "../sites/access/Examples.ts"
import * as PersonExport from "./PersonExport.ts"

const at = Date.parse(Examples.time)

const view: AnalyticsExport.Row = {
  type: "pageview",
  view: {
    hostedWebsiteId: HostedWebsiteId.make(Examples.siteId),
    receivedAt: at,
    path: "/pricing",
    campaign: { source: "newsletter", medium: "email", name: null, term: null, content: null },
    referrerHost: null,
    referrerPath: null,
    deviceType: "mobile",
    screenWidth: 390,
    sessionId: "s-8f14e45f",
    browser: "Safari",
    os: "iOS",
    visitorHash: "0f".repeat(16),
    country: "NO",
    exclusion: null
  }
}

const submission: Inbox.Message = {
  submissionId: Examples.id,
  websiteConfigId: WebsiteConfigId.make(Examples.siteId),
  receivedAt: at,
  email: "ann@example.com",
  pageSlug: "contact",
  formData: '{"message":"Hello, do you have kayaks for two?"}',
  status: "accepted",
  reasons: [],
  attribution: { source: "newsletter", medium: "email", campaign: null, referrer: null, entryPage: "/pricing" },
  isRead: false
}

const messages: ReadonlyArray<Message> = [
  { messageId: Examples.id, role: "user", parts: [{ type: "text", text: "When are you open?" }], createdAt: at },
  {
    messageId: "0d3b7c52-6f0e-4c8e-a1d7-5e0f4b9c2a63",
    role: "assistant",
    parts: [{ type: "text", text: "From nine to five." }],
    createdAt: at,
    ending: "stop",
    rating: "up",
    comment: null
  }
]

const columns: SubmissionTable.Columns = new Set()
SubmissionTable.addColumns(columns, submission.formData)

export const analytics = {
  "text/csv": AnalyticsExport.csvHeader + AnalyticsExport.csv(view),
  "application/x-ndjson": AnalyticsExport.ndjson(view)
}

export const submissions = {
  "text/csv": SubmissionTable.header(columns) + SubmissionTable.row(submission, columns),
  "application/x-ndjson": SubmissionExport.ndjson(submission, { withVerdict: true })
}

export const conversations = {
  "application/x-ndjson": `${ConversationExport.json({ conversationId: "c-8f14e45f", createdAt: at, updatedAt: at, messages })}\n`
}

export const person = {
  "application/x-ndjson": `${PersonExport.json({ kind: "submission", submission })}\n`
}
