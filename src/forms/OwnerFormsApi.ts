/**
 * The rules of a website's forms.
 *
 * @module
 */
import { Result, Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Fault from "../platform/contract/Fault.ts"
import * as Field from "../platform/contract/Field.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as Fields from "../sites/access/Fields.ts"
import * as Maximums from "../sites/Maximums.ts"
import { siteId } from "../sites/OwnerSitesApi.ts"
import * as FormRules from "./FormRules.ts"

const base = "/v1/owner/sites/:site_id/forms"

const site = { site_id: siteId }

export const Forms = Schema.Struct({ forms: Schema.Array(FormRules.Form) }).annotate({
  identifier: "Forms",
  examples: [{ forms: [FormRules.exampleForm] }]
})

export const page = Fields.parsed(
  { type: "string", minLength: 1, maxLength: FormRules.limits.page, description: "The `page_slug` of the form" },
  FormRules.parsePage,
  `a text of 1 to ${FormRules.limits.page} characters is expected`
)

/** The maximum number of invalid rules that a response reports. */
const maxFaults = 20

const rules = Field.custom<FormRules.FormRules>(
  {
    type: "object",
    description:
      'The rules of the fields, by field name, such as `{"name": {"required": true, "max": 100}}`. A field can have `required`, `email`, `number`, `min`, `max`, `pattern`, `one_of` and `message`',
    additionalProperties: { type: "object" },
    maxProperties: FormRules.limits.fields
  },
  (input) =>
    Result.mapError(FormRules.read(input), ({ issue }) =>
      FormRules.faultsOfIssue(issue)
        .slice(0, maxFaults)
        .map(({ message, path }) => ({ ...Fault.value(message), path }))
    )
)

export const FormChange = Schema.Struct({ page, rules }).annotate({
  identifier: "FormChange",
  examples: [{ page: FormRules.exampleForm.page, rules: FormRules.exampleForm.rules }]
})

export const list = HttpApiEndpoint.get("list", base, { params: site, success: Forms })
  .middleware(Authorized.settings.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_forms",
      summary: "List rules of forms",
      description: "The forms of a website that have rules, by page."
    })
  )

export const put = HttpApiEndpoint.put("put", base, {
  params: site,
  headers: {
    "if-none-match": Schema.optionalKey(Schema.Literal("*")).annotate({
      description: "Only sets the rules of a form that has none"
    }),
    "if-match": Schema.optionalKey(Schema.Literal("*")).annotate({
      description: "Only replaces the rules of a form that has some"
    })
  },
  payload: FormChange,
  success: FormRules.Form,
  error: Errors.PreconditionFailed
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "put_form",
      summary: "Set the rules of a form",
      description:
        "Sets or replaces the rules of a page's form. A submission that breaks a rule is refused. With `If-None-Match: *`, it only sets them, and with `If-Match: *` it only replaces them: 412 otherwise, and nothing is changed.",
      maximums: [Maximums.forms]
    })
  )

export const remove = HttpApiEndpoint.delete("delete", base, {
  params: site,
  query: { page },
  success: HttpApiSchema.NoContent
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "delete_form",
      summary: "Delete the rules of a form",
      description: "The form accepts any fields again; its submissions stay."
    })
  )

export class FormsGroup extends HttpApiGroup.make("forms")
  .add(list, put, remove)
  .annotateMerge(OpenApi.annotations({ title: "Forms", description: "The rules for the fields of forms" })) {}
