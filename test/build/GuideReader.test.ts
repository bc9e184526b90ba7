import { assert, describe, it } from "@effect/vitest"
import * as GuideReader from "../../scripts/build/GuideReader.ts"

describe("build/GuideReader", () => {
  const bodyOf = (markdown: string) => GuideReader.parse("x", markdown).body

  it("links to guides and the web, and shows a link to another file as text", () => {
    assert.include(bodyOf("[a](chat.md#texts)"), '<a href="/docs/chat#texts">a</a>')
    assert.include(bodyOf("[a](#texts)"), '<a href="#texts">a</a>')
    assert.include(bodyOf("[a](https://x.example/?a&b)"), '<a href="https://x.example/?a&amp;b">a</a>')
    for (const href of ["../README.md", "javascript:alert(1)", "data:text/html,x", "chat.md.txt"]) {
      assert.notInclude(bodyOf(`[a](${href})`), "<a", href)
    }
  })

  it("escapes HTML and code", () => {
    assert.notInclude(bodyOf("<script>1</script>\n\na <b>c</b>\n\n    <i>\n\n`<u>`"), "<script")
    assert.notMatch(bodyOf("<script>1</script>\n\na <b>c</b>\n\n```html x\n<i>\n```\n\n`<u>`"), /<(script|b|i|u)>/)
  })

  it("gives headings GitHub's anchors", () => {
    assert.include(bodyOf("## Forms, and `why` not?"), 'id="forms-and-why-not"')
  })

  it("uses the first paragraph as the summary", () => {
    assert.deepStrictEqual(
      [GuideReader.parse("x", "# T\n\nA `b`.\n\nC").title, GuideReader.parse("x", "# T\n\nA `b`.\n\nC").summary],
      ["T", "A <code>b</code>."]
    )
  })
})
