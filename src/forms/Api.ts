/**
 * Form submissions.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Errors from "../contract/Errors.ts"
import * as Headers from "../contract/Headers.ts"
import { errorPage, HtmlPage } from "../contract/HtmlPage.ts"
import { Validation } from "../contract/Validation.ts"
import * as Field from "../platform/api/Field.ts"
import * as PlainForm from "./PlainFormFields.ts"

/** The body of a form submission. */
export const SubmissionPayload = Schema.Struct({
  site_id: Field.Uuid({ title: "Site Id", description: "The website_config_id of the website" }),
  form_data: Field.JsonObject({ title: "Form Data", maxProperties: 50 }),
  email: Field.OptionalText({ title: "Email", refuseNul: true }),
  page_slug: Field.OptionalText({ title: "Page Slug", refuseNul: true })
}).annotate({
  identifier: "SubmitFormRequest",
  title: "SubmitFormRequest",
  examples: [
    {
      site_id: "5a2f4e4c-30a6-4d0c-9b8a-3f1f8c9a7e21",
      form_data: { name: "Ada", message: "Do you have a table for two?" },
      email: "ada@example.org",
      page_slug: "contact"
    }
  ]
})

export type SubmissionPayload = typeof SubmissionPayload.Type

/** The acknowledgement, which is sent after the submission is durable. */
export const SubmissionReceipt = Schema.Struct({
  status: Schema.Literal("received").annotate({ title: "Status" }),
  submission_id: Schema.String.annotate({ title: "Submission Id", format: "uuid" })
}).annotate({
  identifier: "SubmitFormResponse",
  title: "SubmitFormResponse",
  description: "The submission is stored",
  examples: [{ status: "received", submission_id: "0d3b7c52-6f0e-4c8e-a1d7-5e0f4b9c2a63" }]
})

const redirect = HttpApiSchema.Empty(303).annotate({
  description: "The submission of a plain form is stored; see Location for the page that the form names"
})

const responseHeaders = { ...Headers.rateLimit, ...Headers.decision }

export const submit = HttpApiEndpoint.post("submit", "/v1/public/forms/submit", {
  payload: [
    SubmissionPayload,
    Field.asBeacon(SubmissionPayload),
    PlainForm.PlainForm.pipe(HttpApiSchema.asFormUrlEncoded()),
    PlainForm.PlainForm.pipe(HttpApiSchema.asMultipart())
  ],
  query: PlainForm.query,
  headers: {
    "idempotency-key": Schema.optionalKey(
      Schema.String.annotate({
        description:
          "The same key and body within 24 hours give the first answer again; a different body is refused. 1 to 255 printable ASCII characters."
      })
    )
  },
  success: [
    HttpApiSchema.WithHeaders(SubmissionReceipt, responseHeaders),
    // For a plain form. Its errors are pages if the request accepts HTML.
    HtmlPage,
    HttpApiSchema.WithHeaders(redirect, { ...responseHeaders, ...Headers.seeOther })
  ],
  error: [
    ...Errors.common,
    Errors.Forbidden,
    Errors.NotFound,
    Errors.TooManyRequests,
    Errors.ServiceUnavailable,
    errorPage(400),
    errorPage(403),
    errorPage(404),
    errorPage(413),
    errorPage(422),
    errorPage(429),
    errorPage(500),
    errorPage(503)
  ]
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
