import { assert, describe, it } from "@effect/vitest"
import * as GuideReader from "../../scripts/build/GuideReader.ts"

describe("build/GuideReader", () => {
  const bodyOf = async (markdown: string) => (await GuideReader.parse("x", markdown)).guide.body

  it("links to guides and the web, and shows a link to another file as text", async () => {
    assert.include(await bodyOf("[a](chat.md#texts)"), '<a href="/docs/chat#texts">a</a>')
    assert.include(await bodyOf("[a](#texts)"), '<a href="#texts">a</a>')
    assert.include(await bodyOf("[a](https://x.example/?a&b)"), '<a href="https://x.example/?a&amp;b">a</a>')
    for (const href of ["../README.md", "javascript:alert(1)", "data:text/html,x", "chat.md.txt"]) {
      assert.notInclude(await bodyOf(`[a](${href})`), "<a", href)
    }
  })

  it("escapes HTML and code, also code with colours", async () => {
    assert.notInclude(await bodyOf("<script>1</script>\n\na <b>c</b>\n\n    <i>\n\n`<u>`"), "<script")
    for (const language of ["html", "sh", "json", "nginx", "unknown"]) {
      const body = await bodyOf(
        `<script>1</script>\n\na <b>c</b>\n\n\`\`\`${language} x\n<i class="a">\n\`\`\`\n\n\`<u>\``
      )
      assert.notMatch(body, /<(script|b|i|u)\b/, language)
      assert.strictEqual(
        body.replaceAll(/<[^>]*>/g, "").includes("&lt;i class=&quot;a&quot;&gt;"),
        true,
        `${language}: ${body}`
      )
    }
  })

  it("colours code by its language", async () => {
    assert.include(await bodyOf('```json\n{ "a": 1 }\n```'), '<span class="code-num">1</span>')
    assert.notInclude(await bodyOf('```text\n{ "a": 1 }\n```'), "<span")
  })

  it("gives headings GitHub's anchors, and lists those of depth 2 and 3", async () => {
    const { guide } = await GuideReader.parse("x", "# T\n\n## Forms, and `why` not?\n\n### A\n\n#### B")
    assert.include(guide.body, 'id="forms-and-why-not"')
    assert.deepStrictEqual(guide.headings, [
      { depth: 2, id: "forms-and-why-not", text: "Forms, and why not?" },
      { depth: 3, id: "a", text: "A" }
    ])
  })

  it("uses the first paragraph as the summary", async () => {
    const { guide } = await GuideReader.parse("x", "# T\n\nA `b`.\n\nC")
    assert.deepStrictEqual([guide.title, guide.summary], ["T", "A <code>b</code>."])
  })

  it("reads the text of each section for the search, without its Markdown", async () => {
    const { sections } = await GuideReader.parse(
      "x",
      "# T\n\nA `b`, **c** and [d](e.md).\n\n## S 1\n\n- one\n- two\n\n| h | i |\n| --- | --- |\n| `j` | k |\n\n```sh\nnpm start\n```"
    )
    assert.deepStrictEqual(sections, [
      { url: "/docs/x", guide: "T", heading: "T", text: "A b, c and d." },
      { url: "/docs/x#s-1", guide: "T", heading: "S 1", text: "one two h i j k npm start" }
    ])
  })
})
