/**
 * Replies to the visitors of a website, and the automatic replies of its forms.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { page } from "../../forms/OwnerFormsApi.ts"
import * as Field from "../../platform/contract/Field.ts"
import { ReplyId, SubmissionId } from "../../platform/Id.ts"
import * as Authorized from "../../sites/access/Authorized.ts"
import * as Errors from "../../sites/access/Errors.ts"
import * as Fields from "../../sites/access/Fields.ts"
import * as Maximums from "../../sites/Maximums.ts"
import { siteId } from "../../sites/OwnerSitesApi.ts"
import * as Auto from "./AutoReply.ts"
import * as Entity from "./Reply.ts"

const path = "/v1/owner/sites/:site_id/submissions/:submission_id/replies"

const params = { site_id: siteId, submission_id: Field.Id(SubmissionId, { title: "Submission Id" }) }

const example = {
  reply_id: ReplyId.make(Fields.exampleId),
  created_at: Fields.exampleTime,
  author: "Ada",
  reply_to: "ada@shop.example",
  to: "ann@example.com",
  subject: null,
  text: "Hello! Yes, we have kayaks for two.",
  status: "sent",
  error: null
} as const

export const Reply = Entity.Reply.annotate({ identifier: "Reply", examples: [example] })

export const Replies = Schema.Struct({
  replies: Schema.Array(Entity.Reply),
  can_send: Schema.Boolean.annotate({ description: "Whether the service has a mail server" }),
  to: Schema.NullOr(Schema.String).annotate({
    description: "The address that gets a reply; null if the submission has none to which mail can be sent"
  }),
  reply_to: Schema.NullOr(Schema.String).annotate({
    description: "The address of the caller, to which visitors answer; null if a reply must name one"
  })
}).annotate({
  identifier: "Replies",
  examples: [{ replies: [example], can_send: true, to: example.to, reply_to: example.reply_to }]
})

export const NewReply = Schema.Struct({
  text: Fields.parsed(
    { type: "string", minLength: 1, maxLength: Entity.maxText },
    Entity.parseText,
    `a text of 1 to ${Entity.maxText} characters is expected`
  ),
  reply_to: Schema.optionalKey(
    Fields.email("The address to which the visitor's answer goes; by default that of the person who replies")
  )
}).annotate({
  identifier: "NewReply",
  examples: [{ text: example.text, reply_to: example.reply_to }]
})

export const list = HttpApiEndpoint.get("list", path, { params, success: Replies })
  .middleware(Authorized.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_replies",
      summary: "List the replies to a submission",
      description:
        "The latest 100 replies that were mailed to the sender of a submission, oldest first, each with its state. An automatic reply has a `subject`."
    })
  )

export const add = HttpApiEndpoint.post("add", path, {
  params,
  payload: NewReply,
  success: Reply,
  error: Errors.Conflict
})
  .middleware(Authorized.inbox.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "reply",
      summary: "Reply to a submission",
      description: `Mails a text to the address of a submission; the visitor's answer goes to \`reply_to\`. The reply is stored with the submission, and deleted with it. 409 if the submission is quarantined: release it first. A website sends at most ${Entity.limits.website.limit} replies an hour, of which one address gets at most ${Entity.limits.recipient.limit}; a 429 says when the next one is possible.`
    })
  )

export class RepliesGroup extends HttpApiGroup.make("replies")
  .add(list, add)
  .annotateMerge(OpenApi.annotations({ title: "Replies", description: "Mails to the senders of submissions" })) {}

const formsPath = "/v1/owner/sites/:site_id/forms/auto-replies"

const ofSite = { site_id: siteId }

const exampleAutoReply = {
  page: "contact",
  subject: "We got your message",
  text: "Hello {name},\n\nthank you for your message. We answer within a day.",
  reply_to: "ada@shop.example"
} as const

const storedAutoReply = { ...exampleAutoReply, created_at: Fields.exampleTime, updated_at: Fields.exampleTime }

export const AutoReply = Auto.AutoReply.annotate({
  identifier: "AutoReply",
  examples: [storedAutoReply]
})

export const AutoReplies = Schema.Struct({
  auto_replies: Schema.Array(AutoReply),
  can_send: Schema.Boolean.annotate({ description: "Whether the service has a mail server" })
}).annotate({
  identifier: "AutoReplies",
  examples: [{ auto_replies: [storedAutoReply], can_send: true }]
})

export const NewAutoReply = Schema.Struct({
  page,
  subject: Fields.parsed(
    { type: "string", minLength: 1, maxLength: Auto.limits.subject },
    Auto.parseSubject,
    `a line of 1 to ${Auto.limits.subject} characters is expected`
  ),
  text: Fields.parsed(
    {
      type: "string",
      minLength: 1,
      maxLength: Auto.limits.text,
      description: `\`${Auto.placeholder}\` stands for the name of the sender, also in the subject`
    },
    Auto.parseText,
    `a text of 1 to ${Auto.limits.text} characters is expected`
  ),
  reply_to: Fields.email("The address to which the visitor's answer goes")
}).annotate({ identifier: "NewAutoReply", examples: [exampleAutoReply] })

export const listAutomatic = HttpApiEndpoint.get("list", formsPath, { params: ofSite, success: AutoReplies })
  .middleware(Authorized.settings.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_auto_replies",
      summary: "List automatic replies",
      description: "What the forms of a website reply to their senders by mail, by page."
    })
  )

export const putAutomatic = HttpApiEndpoint.put("put", formsPath, {
  params: ofSite,
  payload: NewAutoReply,
  success: AutoReply
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "put_auto_reply",
      summary: "Set the automatic reply of a form",
      description: `Sets or replaces what the sender of a form gets by mail when the submission is accepted or released. It goes to the address in the submission's \`email\`, once for each submission, and at most ${Auto.maxPerDay} times a day to one address from all websites of the service. 422 if the service has no mail server.`,
      maximums: [Maximums.autoReplies]
    })
  )

export const deleteAutomatic = HttpApiEndpoint.delete("delete", formsPath, {
  params: ofSite,
  query: { page },
  success: HttpApiSchema.NoContent
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "delete_auto_reply",
      summary: "Delete the automatic reply of a form",
      description: "Senders of the form get no mail any more. Replies that were made already are sent."
    })
  )

export class AutoRepliesGroup extends HttpApiGroup.make("autoReplies")
  .add(listAutomatic, putAutomatic, deleteAutomatic)
  .annotateMerge(OpenApi.annotations({ title: "Automatic replies", description: "Mails to the senders of forms" })) {}
