/**
 * The automatic replies of a website's forms.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { page } from "../../forms/OwnerFormsApi.ts"
import * as Authorized from "../../sites/access/Authorized.ts"
import * as Examples from "../../sites/access/Examples.ts"
import * as Fields from "../../sites/access/Fields.ts"
import * as Maximums from "../../sites/Maximums.ts"
import { siteId } from "../../sites/OwnerSitesApi.ts"
import * as Entity from "./AutoReply.ts"
import { expectedAddress } from "./OwnerRepliesApi.ts"

const path = "/v1/owner/sites/:site_id/forms/auto-replies"

const params = { site_id: siteId }

const example = {
  page: "contact",
  subject: "We got your message",
  text: "Hello {name},\n\nthank you for your message. We answer within a day.",
  reply_to: "ada@shop.example"
} as const

const stored = { ...example, created_at: Examples.time, updated_at: Examples.time }

export const AutoReply = Entity.AutoReply.annotate({ identifier: "AutoReply", title: "AutoReply", examples: [stored] })

export const AutoReplies = Schema.Struct({
  auto_replies: Schema.Array(AutoReply),
  can_send: Schema.Boolean.annotate({ description: "Whether the service has a mail server" })
}).annotate({
  identifier: "AutoReplies",
  title: "AutoReplies",
  examples: [{ auto_replies: [stored], can_send: true }]
})

export const NewAutoReply = Schema.Struct({
  page,
  subject: Fields.parsed(
    { type: "string", minLength: 1, maxLength: Entity.limits.subject },
    Entity.parseSubject,
    `a line of 1 to ${Entity.limits.subject} characters is expected`
  ),
  text: Fields.parsed(
    {
      type: "string",
      minLength: 1,
      maxLength: Entity.limits.text,
      description: `\`${Entity.placeholder}\` stands for the name of the sender, also in the subject`
    },
    Entity.parseText,
    `a text of 1 to ${Entity.limits.text} characters is expected`
  ),
  reply_to: Fields.parsed(
    { type: "string", format: "email", description: "The address to which the visitor's answer goes" },
    Entity.parseAddress,
    expectedAddress
  )
}).annotate({ identifier: "NewAutoReply", title: "NewAutoReply", examples: [example] })

export const list = HttpApiEndpoint.get("list", path, { params, success: AutoReplies })
  .middleware(Authorized.settings.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_auto_replies",
      summary: "List automatic replies",
      description: "What the forms of a website reply to their senders by mail, by page."
    })
  )

export const put = HttpApiEndpoint.put("put", path, { params, payload: NewAutoReply, success: AutoReply })
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "put_auto_reply",
      summary: "Set the automatic reply of a form",
      description: `Sets or replaces what the sender of a form gets by mail when the submission is accepted or released. It goes to the address in the submission's \`email\`, once for each submission, and at most ${Entity.maxPerDay} times a day to one address from all websites of the service. 422 if the service has no mail server.`,
      maximums: [Maximums.autoReplies]
    })
  )

export const remove = HttpApiEndpoint.delete("delete", path, {
  params,
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
  .add(list, put, remove)
  .annotateMerge(OpenApi.annotations({ title: "Automatic replies", description: "Mails to the senders of forms" })) {}
