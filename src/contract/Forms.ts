/**
 * Form submissions.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Errors from "./Errors.ts"
import { Validation } from "./Validation.ts"
import * as Wire from "./Wire.ts"

/** The body of a form submission. */
export const SubmissionPayload = Schema.Struct({
  site_id: Wire.Uuid({ title: "Site Id", description: "The website_config_id of the website" }),
  form_data: Wire.JsonObject({ title: "Form Data", maxProperties: 50 }),
  email: Wire.OptionalText({ title: "Email", refuseNul: true }),
  page_slug: Wire.OptionalText({ title: "Page Slug", refuseNul: true })
}).annotate({ identifier: "SubmitFormRequest", title: "SubmitFormRequest" })

export type SubmissionPayload = typeof SubmissionPayload.Type

/** The acknowledgement: the submission is durable when it is sent. */
export const SubmissionReceipt = Schema.Struct({
  status: Schema.Literal("received").annotate({ title: "Status" }),
  submission_id: Schema.String.annotate({ title: "Submission Id", format: "uuid" })
}).annotate({ identifier: "SubmitFormResponse", title: "SubmitFormResponse" })

export const submit = HttpApiEndpoint.post("submit", "/v1/public/forms/submit", {
  payload: SubmissionPayload,
  headers: {
    "idempotency-key": Schema.optionalKey(
      Schema.String.annotate({
        description:
          "The same key and body within 24 hours give the first answer again; a different body is refused. 1 to 255 printable ASCII characters."
      })
    )
  },
  success: SubmissionReceipt,
  error: [Errors.Forbidden, Errors.NotFound, Errors.PayloadTooLarge, Errors.TooManyRequests, Errors.ServiceUnavailable]
})
  .middleware(Validation)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "submit_form",
      summary: "Submit Form",
      description:
        "Accept a form submission from a published website. Limited to 5 submissions a minute per IP. `site_id` is the `website_config_id`, the canonical external identity."
    })
  )

export class FormsGroup extends HttpApiGroup.make("forms")
  .add(submit)
  .annotateMerge(OpenApi.annotations({ title: "Forms", description: "Form submissions of published websites" })) {}
