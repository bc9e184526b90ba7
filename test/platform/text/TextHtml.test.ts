import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Text from "../../../src/platform/text/Text.ts"

const Parts = Schema.Array(Schema.Union([Schema.Literals(["&", "<", ">", '"', "'", "&lt;", "&#39;"]), Schema.String]))

const characters: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" }

describe("platform/text/Text", () => {
  it.prop("escaped text begins no tag, ends no attribute, and decodes to the original", [Parts], ([parts]) => {
    const text = parts.join("")
    const escaped = Text.escapeHtml(text)
    assert.notMatch(escaped, /[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/)
    assert.strictEqual(
      escaped.replace(/&([a-z#0-9]+);/g, (_, name: string) => characters[name] ?? ""),
      text
    )
  })
})
