import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { fingerprint } from "../../src/forms/Submission.ts"
import { WebsiteConfigId } from "../../src/platform/Id.ts"
import { id } from "../support/Ids.ts"

const content = Schema.Struct({
  websiteConfigId: WebsiteConfigId,
  email: Schema.NullOr(Schema.String),
  pageSlug: Schema.NullOr(Schema.String),
  formData: Schema.String
})

describe("forms/Submission", () => {
  it.prop(
    "two submissions have the same fingerprint if and only if their content is equal",
    [content, content],
    ([one, other]) => {
      assert.strictEqual(fingerprint(one), fingerprint({ ...one }))
      const isSame = JSON.stringify(one) === JSON.stringify({ ...one, ...other })
      assert.strictEqual(fingerprint(one) === fingerprint(other), isSame)
    }
  )

  it.prop("the same text in other fields gives another fingerprint", [Schema.String], ([text]) => {
    const base = { websiteConfigId: id(WebsiteConfigId, "w"), formData: "{}" }
    assert.notStrictEqual(
      fingerprint({ ...base, email: text, pageSlug: null }),
      fingerprint({ ...base, email: null, pageSlug: text })
    )
  })
})
