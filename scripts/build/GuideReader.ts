/**
 * Reads a guide (`src/docs/*.md`). Pure.
 *
 * @module
 */
import { Marked, type Tokens } from "marked"
import type { Guide } from "../../src/platform/http/GuidePage.ts"
import * as Text from "../../src/platform/text/Text.ts"

/** The anchor of a heading, the same as on GitHub, so that a link works in both places. */
export const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-")

/** The URL of a link's target in the running service; `null` for a repository file that the service does not serve. */
const urlOf = (href: string): string | null => {
  if (/^(?:https?:|#|\/)/.test(href)) return href
  const guide = /^([a-z-]+)\.md(#.*)?$/.exec(href)
  return guide === null ? null : `/docs/${guide[1]}${guide[2] ?? ""}`
}

/** Code and tables scroll sideways, and `tabindex` lets a keyboard scroll them. */
const marked = new Marked({
  renderer: {
    heading({ depth, text, tokens }) {
      return `<h${depth} id="${Text.escapeHtml(anchor(text))}">${this.parser.parseInline(tokens)}</h${depth}>\n`
    },
    link({ href, tokens }) {
      const url = urlOf(href)
      const text = this.parser.parseInline(tokens)
      return url === null ? text : `<a href="${Text.escapeHtml(url)}">${text}</a>`
    },
    code({ text }) {
      return `<pre tabindex="0"><code>${Text.escapeHtml(text)}</code></pre>\n`
    },
    table(token: Tokens.Table) {
      const row = (cells: ReadonlyArray<Tokens.TableCell>, tag: "td" | "th") =>
        `<tr>${cells.map(({ tokens }) => `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`).join("")}</tr>\n`
      const body = token.rows.map((cells) => row(cells, "td")).join("")
      return `<div class="scroll" tabindex="0"><table><thead>${row(token.header, "th")}</thead>\n<tbody>${body}</tbody></table></div>\n`
    },
    html({ text }) {
      return Text.escapeHtml(text)
    }
  }
})

/** Reads a guide, whose first line is a heading, and whose first paragraph says what the guide is about. */
export const parse = (name: string, markdown: string): Guide => {
  const tokens = marked.lexer(markdown)
  const heading = tokens.find((token): token is Tokens.Heading => token.type === "heading")
  const paragraph = tokens.find((token): token is Tokens.Paragraph => token.type === "paragraph")
  return {
    name,
    title: heading?.text ?? name,
    summary: paragraph === undefined ? "" : String(marked.parseInline(paragraph.text)),
    body: String(marked.parse(markdown))
  }
}
