/**
 * The submissions of a website's forms, and what its owner marked as spam.
 *
 * @module
 */
import { Option, Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Field from "../platform/contract/Field.ts"
import { streamed } from "../platform/contract/OpenApi.ts"
import { ConversationId, InstanceId, SpamMarkId, SubmissionId } from "../platform/Id.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Fields from "../sites/access/Fields.ts"
import * as Maximums from "../sites/Maximums.ts"
import { siteId } from "../sites/OwnerSitesApi.ts"
import { listStatuses, type Message, markExamples, maxCount, SpamMark } from "./Inbox.ts"
import { statuses } from "./Submission.ts"
import * as SubmissionExport from "./SubmissionExport.ts"

const base = "/v1/owner/sites/:site_id/submissions"

const site = { site_id: siteId }

const exampleId = "0d3b7c52-6f0e-4c8e-a1d7-5e0f4b9c2a63"

/** The query parameters that select submissions. */
export const filter = {
  status: Fields.choice(listStatuses, {
    title: "Status",
    description: "`deleted` selects the submissions that can be restored; the others are never deleted ones"
  }),
  read: Fields.choice(["true", "false"], { title: "Read" }),
  page: Fields.text({ title: "Page", description: "The `page_slug` of the form", maxLength: 500 }),
  conversation: Schema.optionalKey(
    Fields.parsed(
      { type: "string", title: "Conversation", description: "The conversation in which the submission was written" },
      Option.liftPredicate(Schema.is(ConversationId)),
      "a conversation_id is expected"
    )
  ),
  search: Fields.text({
    title: "Search",
    description:
      "A text that occurs in the email address, the page or the form's data. The case of ASCII letters does not matter",
    maxLength: 200
  }),
  from: Fields.bound("The first day, in the website's time zone"),
  to: Fields.bound("The last day, in the website's time zone")
}

const common = {
  submission_id: Fields.uuid,
  received_at: Fields.time,
  status: Schema.Literals(statuses),
  reasons: Schema.Array(Schema.String).annotate({
    description: "Why the submission may be spam. The reasons stay after a release"
  }),
  read: Schema.Boolean,
  name: Schema.NullOr(Schema.String).annotate({
    description: "The sender's name, if the form has a field for it, such as `name`, or `first_name` and `last_name`"
  }),
  email: Schema.NullOr(Schema.String),
  page_slug: Schema.NullOr(Schema.String),
  answered_at: Fields.nullableTime.annotate({
    description: "When a person last replied to it by mail; null if nobody did, or if the mail failed"
  }),
  answered_by: Schema.NullOr(Schema.String).annotate({ description: "The name of that person, if it is known" }),
  deleted_at: Schema.NullOr(Fields.time).annotate({
    description: "When it was deleted; null unless it was. It is deleted for good 30 days later"
  })
}

const exampleCommon = {
  submission_id: exampleId,
  received_at: Fields.exampleTime,
  status: "accepted",
  reasons: [],
  read: false,
  name: "Ada Lovelace",
  email: "ada@example.org",
  page_slug: "contact",
  answered_at: null,
  answered_by: null,
  deleted_at: null
} as const

/** A submission in a list. */
export const summary = {
  ...common,
  preview: Schema.String.annotate({
    description: "The beginning of what was written, on one line: the message first, without the name"
  })
}

export const exampleSummary = { ...exampleCommon, preview: "Hello, do you have kayaks for two?" }

export const SubmissionList = Schema.Struct({
  submissions: Schema.Array(Schema.Struct(summary)),
  next: Fields.next
}).annotate({
  identifier: "SubmissionList",
  examples: [{ submissions: [exampleSummary], next: null }]
})

export const list = HttpApiEndpoint.get("list", base, {
  params: site,
  query: { ...filter, cursor: Fields.cursor, limit: Fields.limit },
  success: SubmissionList
})
  .middleware(Authorized.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_submissions",
      summary: "List submissions",
      description: "The submissions of a website, latest first."
    })
  )

const nullableText = Schema.NullOr(Schema.String)

export const SubmissionDetails = Schema.Struct({
  ...common,
  fields: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      type: Schema.Literals(["text", "json"]),
      value: Schema.String
    })
  ).annotate({ description: "The form's fields in order: texts, and any other value as JSON" }),
  conversation: Schema.NullOr(Schema.Struct({ instance_id: InstanceId, conversation_id: ConversationId })).annotate({
    description: "The conversation in which the submission was written; null for none. It may have been deleted"
  }),
  source: nullableText.annotate({ description: "Where the submission's visit came from, as the reports name it" }),
  medium: nullableText,
  campaign: nullableText,
  referrer: nullableText,
  entry_page: nullableText
}).annotate({
  identifier: "SubmissionDetails",
  examples: [
    {
      ...exampleCommon,
      fields: [
        { name: "name", type: "text", value: "Ada Lovelace" },
        { name: "message", type: "text", value: "Hello, do you have kayaks for two?" }
      ],
      conversation: null,
      source: "newsletter",
      medium: "email",
      campaign: "spring",
      referrer: null,
      entry_page: "/tours"
    }
  ]
})

export const details = HttpApiEndpoint.get("details", `${base}/:submission_id`, {
  params: { ...site, submission_id: Field.Id(SubmissionId, { title: "Submission Id" }) },
  success: SubmissionDetails
})
  .middleware(Authorized.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "read_submission",
      summary: "Read a submission",
      description: "A submission with all its fields. The request does not mark it as read."
    })
  )

export const SubmissionOverview = Schema.Struct({
  unread: Schema.Int.annotate({
    description: `How many of the latest ${maxCount} submissions are accepted and not marked as read`
  }),
  quarantined: Schema.Int.annotate({ description: `At most ${maxCount}` }),
  pages: Schema.Array(Schema.String).annotate({ description: `The pages of the latest ${maxCount} submissions` })
}).annotate({
  identifier: "SubmissionOverview",
  examples: [{ unread: 3, quarantined: 1, pages: ["contact", "newsletter"] }]
})

export const overview = HttpApiEndpoint.get("overview", `${base}/overview`, {
  params: site,
  success: SubmissionOverview
})
  .middleware(Authorized.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "submission_overview",
      summary: "Count submissions",
      description: "How many submissions are unread, how many are quarantined, and the pages of the latest."
    })
  )

const submission_ids = Fields.selection(SubmissionId, "Submission Ids")

export const Selection = Schema.Struct({ submission_ids }).annotate({
  identifier: "Selection",
  examples: [{ submission_ids: [SubmissionId.make(exampleId)] }]
})

export const MarkedSelection = Schema.Struct({ submission_ids, read: Fields.boolean("Read") }).annotate({
  identifier: "MarkedSelection",
  examples: [{ submission_ids: [SubmissionId.make(exampleId)], read: true }]
})

export const Changed = Schema.Struct({
  submission_ids: Schema.Array(Fields.uuid).annotate({
    description: "The submissions that this request or an earlier one changed"
  }),
  not_found: Schema.Array(Fields.uuid).annotate({ description: "The ids that no submission of the website has" })
}).annotate({
  identifier: "Changed",
  examples: [{ submission_ids: [SubmissionId.make(exampleId)], not_found: [] }]
})

const change = <const Name extends string>(name: Name, summary: string, description: string) =>
  HttpApiEndpoint.post(name, `${base}/${name}`, {
    params: site,
    payload: Selection,
    success: Changed
  })
    .middleware(Authorized.inbox.change)
    .annotateMerge(
      Authorized.operation({
        identifier: `${name}_submissions`,
        summary,
        description: `${description} 404 if the website has none of the submissions.`
      })
    )

export const release = change(
  "release",
  "Release submissions",
  "Accepts quarantined submissions. Marks of spam that hold their addresses or texts are taken back."
)

export const remove = change(
  "delete",
  "Delete submissions",
  "Deletes submissions. They can be restored for 30 days, and are then deleted for good."
)

export const restore = change("restore", "Restore submissions", "Restores deleted submissions.")

export const purge = change(
  "purge",
  "Delete submissions for good",
  "Deletes submissions for good, with all their data. Only those that were deleted before: the others are not found."
)

export const mark = HttpApiEndpoint.post("mark", `${base}/read`, {
  params: site,
  payload: MarkedSelection,
  success: Changed
})
  .middleware(Authorized.inbox.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "mark_submissions",
      summary: "Mark submissions as read",
      description: "Marks submissions as read or as unread. 404 if the website has none of the submissions."
    })
  )

/** An example of a stored submission. */
export const exampleMessage: Message = {
  submissionId: SubmissionId.make(Fields.exampleId),
  websiteConfigId: Fields.exampleSiteId,
  receivedAt: Date.parse(Fields.exampleTime),
  email: "ann@example.com",
  pageSlug: "contact",
  formData: '{"message":"Hello, do you have kayaks for two?"}',
  status: "accepted",
  reasons: [],
  attribution: { source: "newsletter", medium: "email", campaign: null, referrer: null, entryPage: "/pricing" },
  isRead: false,
  conversation: null,
  answer: null,
  deletedAt: null
}

const columns: SubmissionExport.Columns = new Set()
SubmissionExport.addColumns(columns, exampleMessage.formData)

/** Examples of exports, made by the functions that format them. */
const exampleExports = {
  "text/csv":
    SubmissionExport.csvHeader(columns, "Europe/Berlin") +
    SubmissionExport.csv(exampleMessage, columns, "Europe/Berlin"),
  "application/x-ndjson": SubmissionExport.ndjson(exampleMessage)
}

export const exportFormats = ["csv", "ndjson"] as const

export const exportAll = HttpApiEndpoint.get("export", `${base}/export`, {
  params: site,
  query: { ...filter, format: Fields.choice(exportFormats, { title: "Format" }) },
  success: HttpApiSchema.WithHeaders(
    HttpApiSchema.StreamUint8Array({ contentType: ["text/csv", "application/x-ndjson"] }),
    { "content-disposition": Schema.String.annotate({ description: "The name of a file to save" }) }
  )
})
  .middleware(Authorized.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "export_submissions",
      transform: streamed("The submissions", exampleExports),
      summary: "Export submissions",
      description:
        "All submissions that match, latest first. The default is CSV, with the time also in the website's time zone, a column for each of the first 200 fields and one column for all others. Newline-delimited JSON is lossless. The response breaks off if the service fails."
    })
  )

export class SubmissionsGroup extends HttpApiGroup.make("submissions")
  .add(list, overview, exportAll, details, release, remove, restore, purge, mark)
  .annotateMerge(OpenApi.annotations({ title: "Submissions", description: "Submissions of a website's forms" })) {}

const sitePath = "/v1/owner/sites/:site_id"

const params = { site_id: siteId }

export const SpamMarkList = Schema.Struct({ marks: Schema.Array(SpamMark) }).annotate({
  identifier: "SpamMarks",
  examples: [{ marks: markExamples }]
})

export const markSpam = HttpApiEndpoint.post("mark", `${sitePath}/submissions/spam`, {
  params,
  payload: Selection,
  success: Changed
})
  .middleware(Authorized.inbox.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "mark_spam",
      summary: "Mark submissions as spam",
      description:
        "Quarantines submissions, and from now on those with the same address or the same text. `POST …/submissions/release` takes that back. 404 if the website has none of the submissions.",
      maximums: [Maximums.spamMarks]
    })
  )

export const listMarks = HttpApiEndpoint.get("list", `${sitePath}/spam`, { params, success: SpamMarkList })
  .middleware(Authorized.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_spam_marks",
      summary: "List what is held as spam",
      description: "The addresses and texts that were marked as spam in the last year, latest first."
    })
  )

export const removeMark = HttpApiEndpoint.delete("delete", `${sitePath}/spam/:mark_id`, {
  params: { ...params, mark_id: Field.Id(SpamMarkId, { title: "Mark Id" }) },
  success: HttpApiSchema.NoContent
})
  .middleware(Authorized.inbox.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "delete_spam_mark",
      summary: "Take back a mark of spam",
      description: "Submissions with this address or text are no longer held. Those in the quarantine stay there."
    })
  )

export class SpamGroup extends HttpApiGroup.make("spam")
  .add(markSpam, listMarks, removeMark)
  .annotateMerge(OpenApi.annotations({ title: "Spam", description: "What a website's owner marked as spam" })) {}
