import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ReferencePolicy from "../../src/pages/ReferencePolicy.ts"

const Script = Schema.String.check(Schema.makeFilter((text) => !text.includes("</script")))

describe("pages/ReferencePolicy", () => {
  it.prop("allows exactly the scripts of a page", [Schema.NonEmptyArray(Script)], ([scripts]) => {
    const html = scripts.map((script, index) => `<script data-n="${index}">${script}</script><p>`).join("\n")
    const sources = /script-src ([^;]*)/.exec(ReferencePolicy.policyOf(html))?.[1]
    assert.deepStrictEqual(
      sources?.split(" "),
      scripts.map((script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`)
    )
  })
})
