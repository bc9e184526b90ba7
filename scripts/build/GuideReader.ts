/**
 * Reads a guide (`src/docs/*.md`).
 *
 * @module
 */
import { tokenize } from "@speed-highlight/core"
import { Marked, type Token, type Tokens } from "marked"
import type { Guide } from "../../src/pages/GuidePage.ts"
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

/** The languages of the blocks by their names in the guides. A block in another language has no colours. */
const languages: Readonly<Record<string, string>> = {
  css: "css",
  env: "ini",
  html: "html",
  http: "http",
  js: "js",
  json: "json",
  sh: "bash",
  sql: "sql",
  ts: "ts",
  yaml: "yaml"
}

/** The code as HTML, in which the parts that have a colour are elements with the class `code-…`. */
const highlight = async (code: string, language: string | undefined): Promise<string> => {
  if (language === undefined) return Text.escapeHtml(code)
  const parts: Array<string> = []
  await tokenize(code, language, (part, kind) => {
    const text = Text.escapeHtml(part)
    parts.push(kind === undefined ? text : `<span class="code-${kind}">${text}</span>`)
  })
  return parts.join("")
}

interface Highlighted extends Tokens.Code {
  html?: string
}

/** Tables scroll sideways, and `tabindex` lets a keyboard scroll them. */
const marked = new Marked({
  async: true,
  walkTokens: async (token) => {
    if (token.type !== "code") return
    const code = token as Highlighted
    code.html = await highlight(code.text, languages[/^\w*/.exec(code.lang ?? "")?.[0] ?? ""])
  },
  renderer: {
    heading({ depth, text, tokens }) {
      const id = Text.escapeHtml(anchor(text))
      const title = this.parser.parseInline(tokens)
      // A link to copy. The contents of the page have the links for keyboards.
      return `<h${depth} id="${id}">${depth === 1 ? title : `<a href="#${id}" tabindex="-1">${title}</a>`}</h${depth}>\n`
    },
    link({ href, tokens }) {
      const url = urlOf(href)
      const text = this.parser.parseInline(tokens)
      return url === null ? text : `<a href="${Text.escapeHtml(url)}">${text}</a>`
    },
    code({ html, text }: Highlighted) {
      return `<div class="code"><pre><code>${html ?? Text.escapeHtml(text)}</code></pre></div>\n`
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

/** The text that a reader sees of a token, on one line. */
const textOf = (token: Token): string => {
  const children: ReadonlyArray<Token> =
    token.type === "table"
      ? [(token as Tokens.Table).header, ...(token as Tokens.Table).rows].flat().flatMap(({ tokens }) => tokens)
      : token.type === "list"
        ? (token as Tokens.List).items
        : "tokens" in token
          ? (token.tokens ?? [])
          : []
  const text =
    children.length > 0
      ? children.map(textOf).join(token.type === "table" || token.type === "list" ? " " : "")
      : "text" in token
        ? String(token.text)
        : ""
  return text.replaceAll(/\s+/g, " ")
}

/** A heading with what follows until the next one, for the search. */
export interface Section {
  /** The path with the anchor. */
  readonly url: string
  readonly guide: string
  readonly heading: string
  readonly text: string
}

/** Reads a guide, whose first line is a heading, and whose first paragraph says what the guide is about. */
export const parse = async (
  name: string,
  markdown: string
): Promise<{ readonly guide: Guide; readonly sections: ReadonlyArray<Section> }> => {
  const tokens = marked.lexer(markdown)
  const paragraph = tokens.find((token): token is Tokens.Paragraph => token.type === "paragraph")
  const headings = tokens.filter((token): token is Tokens.Heading => token.type === "heading")
  const title = headings[0] === undefined ? name : textOf(headings[0])
  const sections: Array<Section & { text: string }> = []
  for (const token of tokens) {
    if (token.type === "heading") {
      const heading = textOf(token)
      const isFirst = sections.length === 0
      sections.push({ url: `/docs/${name}${isFirst ? "" : `#${anchor(token.text)}`}`, guide: title, heading, text: "" })
    } else {
      const last = sections.at(-1)
      if (last !== undefined) last.text = `${last.text} ${textOf(token)}`.trim()
    }
  }
  return {
    guide: {
      name,
      title,
      summary: paragraph === undefined ? "" : await marked.parseInline(paragraph.text),
      body: await marked.parse(markdown),
      headings: headings
        .filter(({ depth }) => depth === 2 || depth === 3)
        .map((heading) => ({ depth: heading.depth, id: anchor(heading.text), text: textOf(heading) }))
    },
    sections
  }
}
