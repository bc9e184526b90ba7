import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Page from "../../src/pages/Page.ts"

const Script = Schema.NonEmptyString.check(Schema.makeFilter((text) => !text.includes("</script")))

describe("pages/Page: inline scripts", () => {
  it.prop("allows exactly the scripts of a page", [Schema.NonEmptyArray(Script)], ([scripts]) => {
    const html = scripts.map((script, index) => `<script data-n="${index}">${script}</script><p>`).join("\n")
    assert.deepStrictEqual(
      Page.sourcesOf(html).split(" "),
      scripts.map((script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`)
    )
  })
})
