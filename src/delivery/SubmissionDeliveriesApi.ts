/**
 * What was sent about a submission.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Field from "../platform/contract/Field.ts"
import { SubmissionId } from "../platform/Id.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Examples from "../sites/access/Examples.ts"
import { siteId } from "../sites/OwnerSitesApi.ts"
import { Delivery } from "./Delivery.ts"
import { SubmissionMail } from "./mail/Notifications.ts"
import { Webhook } from "./Webhook.ts"

export const SubmissionDeliveries = Schema.Struct({
  webhooks: Schema.Array(
    Schema.Struct({
      ...Delivery.fields,
      host: Webhook.fields.host
    })
  ),
  mails: Schema.Array(SubmissionMail)
}).annotate({
  identifier: "SubmissionDeliveries",
  title: "SubmissionDeliveries",
  examples: [
    {
      webhooks: [],
      mails: [{ to: "owner@example.com", status: "sent", created_at: Examples.time, error: null }]
    }
  ]
})

export const list = HttpApiEndpoint.get("list", "/v1/owner/sites/:site_id/submissions/:submission_id/deliveries", {
  params: { site_id: siteId, submission_id: Field.Id(SubmissionId, { title: "Submission Id" }) },
  success: SubmissionDeliveries
})
  .middleware(Authorized.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "submission_deliveries",
      summary: "List the deliveries of a submission",
      description: "The deliveries of a submission to webhooks and the mails about it, each with its state."
    })
  )

export class SubmissionDeliveriesGroup extends HttpApiGroup.make("submissionDeliveries")
  .add(list)
  .annotateMerge(
    OpenApi.annotations({
      title: "Deliveries of submissions",
      description: "What was sent about a submission: events to webhooks, and mails"
    })
  ) {}
