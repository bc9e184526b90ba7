/**
 * The fields and query parameters of a plain HTML form, which is sent without a script. All other fields become `form_data`.
 *
 * @module
 */
import { Schema } from "effect"

const field = (description: string) => Schema.optionalKey(Schema.String.annotate({ description }))

const Value = Schema.Union([Schema.String, Schema.Array(Schema.String)])

/** The body of a plain form. A name that occurs more than once becomes an array in `form_data`. */
export const PlainForm = Schema.StructWithRest(
  Schema.Struct({
    hydracore_site: field("The website_config_id of the website, unless the query has `site`"),
    site_id: field("The same as `hydracore_site`"),
    hydracore_page: field("The page_slug of the submission, unless the query has `page`"),
    hydracore_next: field("The page of the website to go on to, unless the query has `next`"),
    hydracore_hp: field("A field that no person sees: filled in, it marks spam"),
    hydracore_ms: field("Milliseconds since the form was shown"),
    hydracore_session: field("The tracker's session id, which credits the visit with the submission"),
    email: field("The email of the submission; it stays in `form_data`")
  }),
  [Schema.Record(Schema.String, Value)]
).annotate({
  identifier: "SubmitPlainForm",
  title: "SubmitPlainForm",
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
