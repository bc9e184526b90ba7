/**
 * Form submissions.
 *
 * @module
 */
import { Context, type Option, Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Errors from "../platform/contract/Errors.ts"
import { errorPage, HtmlPage, Validation } from "../platform/contract/Errors.ts"
import * as Fault from "../platform/contract/Fault.ts"
import * as Field from "../platform/contract/Field.ts"
import * as Headers from "../platform/contract/Headers.ts"
import type { RequestHead } from "../platform/contract/Received.ts"
import { WebsiteConfigId } from "../platform/Id.ts"

/** A field of a plain HTML form, which is sent without a script. All other fields become `form_data`. */
const plainField = (description: string) => Schema.optionalKey(Schema.String.annotate({ description }))

const Value = Schema.Union([Schema.String, Schema.Array(Schema.String)])

/** The body of a plain form. A name that occurs more than once becomes an array in `form_data`. */
export const PlainForm = Schema.StructWithRest(
  Schema.Struct({
    hydracore_site: plainField("The website_config_id of the website, unless the query has `site`"),
    site_id: plainField("The same as `hydracore_site`"),
    hydracore_page: plainField("The page_slug of the submission, unless the query has `page`"),
    hydracore_next: plainField("The page of the website to go on to, unless the query has `next`"),
    hydracore_hp: plainField("A field that no person sees: filled in, it marks spam"),
    hydracore_ms: plainField("Milliseconds since the form was shown"),
    hydracore_leads: plainField("`off` links the submission to no visit"),
    hydracore_session: plainField("Sent by earlier scripts; ignored"),
    email: plainField("The email of the submission; it stays in `form_data`")
  }),
  [Schema.Record(Schema.String, Value)]
).annotate({
  identifier: "SubmitPlainForm",
  examples: [
    {
      hydracore_site: "5a2f4e4c-30a6-4d0c-9b8a-3f1f8c9a7e21",
      hydracore_page: "contact",
      name: "Ada",
      email: "ada@example.org",
      topic: ["tours", "prices"]
    }
  ]
})

/** A parameter that only plain forms use. It is never invalid: if it is repeated, the first value counts. */
const parameter = (description: string) => Schema.optionalKey(Value.annotate({ description }))

/** The query of a plain form. With a JSON body, the query is ignored. */
export const query = {
  site: parameter("The website_config_id of the website, for a plain form"),
  page: parameter("The page_slug of the submission, for a plain form"),
  next: parameter("The page of the website to go on to, for a plain form; a page elsewhere is ignored")
}

/** The body of a form submission. */
export const SubmissionPayload = Schema.Struct({
  site_id: Field.Id(WebsiteConfigId, { title: "Site Id", description: "The website_config_id of the website" }),
  form_data: Field.JsonObject({ title: "Form Data", maxProperties: 50 }),
  email: Field.OptionalText({ title: "Email", refuseNul: true }),
  page_slug: Field.OptionalText({ title: "Page Slug", refuseNul: true })
}).annotate({
  identifier: "SubmitFormRequest",
  examples: [
    {
      site_id: WebsiteConfigId.make("5a2f4e4c-30a6-4d0c-9b8a-3f1f8c9a7e21"),
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
  description: "The submission is stored",
  examples: [{ status: "received", submission_id: "0d3b7c52-6f0e-4c8e-a1d7-5e0f4b9c2a63" }]
})

/** How a submission arrived. */
export class SubmissionBody extends Context.Service<
  SubmissionBody,
  {
    readonly head: RequestHead
    /** The JSON of the body; for a plain form, the JSON that is equivalent to it. */
    readonly text: string
    /** The plain form, if it was one: its fields `hydracore_*`, and the page to go on to, as the form names it. */
    readonly plainForm: Option.Option<{
      readonly reserved: Readonly<Record<string, string>>
      readonly next: string | undefined
    }>
  }
>()("hydraforms/SubmissionBody") {}

/**
 * Reads the body, which is JSON or a plain form, says in each response whether the submission was counted, and shows the errors of
 * a plain form as pages.
 */
export class Submitted extends HttpApiMiddleware.Service<Submitted, { provides: SubmissionBody }>()(
  "hydraforms/Submitted"
) {}

const redirect = HttpApiSchema.Empty(303).annotate({
  description: "The submission of a plain form is stored; see Location for the page that the form names"
})

const responseHeaders = { ...Headers.rateLimit, ...Headers.decision }

export const submit = HttpApiEndpoint.post("submit", "/v1/public/forms/submit", {
  payload: [
    SubmissionPayload,
    Field.asBeacon(SubmissionPayload),
    PlainForm.pipe(HttpApiSchema.asFormUrlEncoded()),
    PlainForm.pipe(HttpApiSchema.asMultipart())
  ],
  query,
  headers: {
    "idempotency-key": Schema.optionalKey(
      Schema.String.annotate({
        description:
          "The same key and body within 24 hours give the first answer again; a different body is refused. 1 to 255 printable ASCII characters."
      }).check(
        Field.check<string>(
          (key) => /^[\x20-\x7e]{1,255}$/.test(key),
          Fault.value("an Idempotency-Key is 1 to 255 printable ASCII characters")
        )
      )
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
  .middleware(Submitted)
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
