/**
 * Replies to the visitors of a website.
 *
 * @module
 */
import { Option, Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Field from "../../platform/contract/Field.ts"
import { ReplyId, SubmissionId } from "../../platform/Id.ts"
import * as MailAddress from "../../platform/text/MailAddress.ts"
import * as Authorized from "../../sites/access/Authorized.ts"
import * as Errors from "../../sites/access/Errors.ts"
import * as Examples from "../../sites/access/Examples.ts"
import * as Fields from "../../sites/access/Fields.ts"
import { siteId } from "../../sites/OwnerSitesApi.ts"
import * as Entity from "./Reply.ts"

const path = "/v1/owner/sites/:site_id/submissions/:submission_id/replies"

const params = { site_id: siteId, submission_id: Field.Id(SubmissionId, { title: "Submission Id" }) }

const example = {
  reply_id: ReplyId.make(Examples.id),
  created_at: Examples.time,
  author: "Ada",
  reply_to: "ada@shop.example",
  to: "ann@example.com",
  subject: null,
  text: "Hello! Yes, we have kayaks for two.",
  status: "sent",
  error: null
} as const

export const Reply = Entity.Reply.annotate({ identifier: "Reply", title: "Reply", examples: [example] })

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
  title: "Replies",
  examples: [{ replies: [example], can_send: true, to: example.to, reply_to: example.reply_to }]
})

export const expectedAddress = "an email address such as owner@example.com is expected"

export const NewReply = Schema.Struct({
  text: Fields.parsed(
    { type: "string", minLength: 1, maxLength: Entity.maxText },
    Entity.parseText,
    `a text of 1 to ${Entity.maxText} characters is expected`
  ),
  reply_to: Schema.optionalKey(
    Fields.parsed(
      {
        type: "string",
        format: "email",
        description: "The address to which the visitor's answer goes; by default that of the person who replies"
      },
      (text) => Option.liftPredicate(text.trim(), MailAddress.isAddress),
      expectedAddress
    )
  )
}).annotate({
  identifier: "NewReply",
  title: "NewReply",
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
