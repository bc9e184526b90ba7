/**
 * Renders an answer's Markdown while it arrives. The parser is a library's; this module decides what the parser may
 * create: the elements listed below, text, and links that `safeHref` accepts. An agent's text never becomes HTML, never
 * becomes an attribute other than `href` and a list's `start`, and never causes a request: images become links.
 *
 * Beyond the limits below, the rest of an answer is shown as it was written, in blocks that browsers lay out quickly.
 * Rendering takes time linear in the answer's length, whatever the answer contains.
 *
 * @module
 */
import * as smd from "streaming-markdown"
import { make } from "./dom.ts"
import * as Limits from "./Limits.ts"
import { safeHref, splitBare } from "./links.ts"

export interface Markdown {
  readonly write: (delta: string) => void
  /** Renders the next piece of what was written. Returns its length in UTF-16 units, 0 if everything is rendered. */
  readonly renderNext: () => number
  /** Shows incomplete marks as they were written. To be called once everything is rendered. */
  readonly end: () => void
}

/** The text that is rendered at once. It ends after white space if possible. */
const nextPiece = /^(?:[^\n]{0,255}\s|[^\n]{1,256})/u

/** The element of each parser token. The text of a token without an element goes into the parent element. */
const names: ReadonlyArray<string | undefined> =
  // The panel's own heading is of the second level, so an answer's begin at the third.
  ",,p,h3,h4,h5,h6,h6,h6,,,code,em,em,strong,strong,s,a,a,a,blockquote,br,hr,ul,ol,li,,,tr".split(",")

/** Elements that are followed by a pause in the spoken text. */
const blocks = /^(P|H.|LI|TR|BR)$/

interface Open {
  readonly token: number
  /** The element that receives its text. */
  readonly slot: HTMLElement
  address?: string
  checked?: boolean
}

/** The parser's numbers of links are consecutive, and those of equations the highest. */
const isLink = (token: number): boolean => token >= smd.LINK && token <= smd.IMAGE

const isEquation = (token: number): boolean => token >= smd.EQUATION_BLOCK

/** The source text of a token's opening mark. */
const mark = (token: number): string =>
  token === smd.LINK ? "[" : token === smd.IMAGE ? "![" : token === smd.EQUATION_BLOCK ? "$$" : "$"

/**
 * Renders Markdown into `root`. `say` receives the rendered text, without its marks. Without `say`, all text is shown as it
 * was written.
 */
export const makeMarkdown = (root: HTMLElement, say?: (text: string) => void): Markdown => {
  const open: Array<Open> = [{ token: smd.DOCUMENT, slot: root }]
  const top = (): Open => open.at(-1)!

  let elements = 0
  /** The length of the current block. */
  let block = 0
  /** The length of the text since the last line break opportunity. */
  let run = 0

  const append = (slot: HTMLElement, value: string): void => {
    const last = slot.lastChild
    // One text node for each delta would make a long paragraph slow to lay out.
    if (last instanceof Text) last.appendData(value)
    else slot.append(value)
    block += value.length
    run = /\s/.test(value) ? 0 : run + value.length
    if (run >= Limits.maxRun) {
      slot.append(make("wbr"))
      run = 0
    }
  }

  const text = (value: string): void => {
    for (const [part] of value.matchAll(/.{1,256}/gsu)) append(top().slot, part)
    say?.(value)
  }

  const slotFor = (token: number, parent: HTMLElement): HTMLElement => {
    if (open.length > Limits.maxDepth) return parent
    // Links cannot be nested.
    if (isLink(token) && parent.closest("a")) return parent
    elements++
    if (token < smd.CODE_INLINE || (token > smd.RULE && !isEquation(token))) block = 0
    switch (token) {
      case smd.CODE_BLOCK:
      case smd.CODE_FENCE:
        return parent.appendChild(make("pre", { tabindex: "0" })).appendChild(make("code"))
      case smd.TABLE:
        return parent.appendChild(make("div", { class: "table", tabindex: "0" })).appendChild(make("table"))
      case smd.TABLE_CELL:
        return parent.appendChild(parent.matches("tr:first-child") ? make("th", { scope: "col" }) : make("td"))
      default: {
        const name = names[token]
        return name ? parent.appendChild(make(name as "p")) : parent
      }
    }
  }

  /** Sets a link's address, or replaces an incomplete link by its source text, which ends with `rest`. */
  const closeLink = (link: Open, rest: string): void => {
    const { address, token } = link
    const slot = link.slot as HTMLAnchorElement
    if (!isLink(token) || slot === top().slot) return
    if (address === undefined && token !== smd.RAW_URL) {
      slot.replaceWith(mark(token), ...slot.childNodes)
      text(rest)
      return
    }
    const written = address ?? slot.textContent
    const [bare, after] = token === smd.RAW_URL ? splitBare(written) : [written, ""]
    const href = safeHref(bare, document.baseURI)
    if (href === undefined) {
      slot.replaceWith(...slot.childNodes)
      return
    }
    if (token === smd.RAW_URL) {
      slot.textContent = bare
      slot.after(after)
    } else if (slot.textContent.trim() === "") {
      slot.textContent = href
    }
    slot.href = href
    if (slot.origin !== location.origin && slot.protocol !== "mailto:") {
      slot.target = "_blank"
      slot.rel = "noreferrer"
    }
  }

  const renderer: smd.Any_Renderer = {
    data: undefined,
    add_token: (_, token) => {
      if (token === smd.DOCUMENT) return
      // There is no element for equations, and `$` may be a price.
      if (isEquation(token)) text(mark(token))
      open.push({ token, slot: slotFor(token, top().slot) })
    },
    end_token: () => {
      if (open.length === 1) return
      const ended = open.pop()!
      closeLink(ended, parser.pending === "]" ? "]" : "")
      if (ended.token === smd.CHECKBOX) text(ended.checked ? "☑ " : "☐ ")
      if (isEquation(ended.token)) text(mark(ended.token))
      if (ended.token === smd.TABLE_CELL) say?.(", ")
      if (blocks.test(ended.slot.tagName) || ended.slot.closest("pre")) say?.("\n")
    },
    add_text: (_, value) => text(value),
    set_attr: (_, name, value) => {
      const { slot } = top()
      if (name <= smd.SRC) {
        top().address = value
      } else if (name === smd.CHECKED) top().checked = true
      else if (name === smd.START && slot instanceof HTMLOListElement) slot.start = +value.slice(0, 9) || 0
    }
  }

  const parser = smd.parser(renderer)
  /** The text that the parser took. */
  let parsed = ""
  /** The text that is not rendered yet. */
  let rest = ""
  /** The block of plain text that is being written, once Markdown has ended. */
  let plain: HTMLElement | undefined
  /** The length of the next text that is not spoken, because it was spoken before. */
  let spoken = 0

  const startPlain = (): void => {
    plain = root.appendChild(make("p", { class: "plain" }))
    block = 0
  }

  const attempt = (step: () => void): void => {
    try {
      step()
    } catch {
      // The parser failed: everything is shown as it was written.
      root.replaceChildren()
      rest = parsed + rest
      spoken = parsed.length
      startPlain()
    }
  }

  const end = (): void => {
    if (plain) return
    attempt(() => {
      smd.parser_end(parser)
      const unread = parser.pending.replace(/\n$/, "")
      while (open.length > 1) closeLink(open.pop()!, unread)
    })
  }

  const parse = (piece: string): void => {
    smd.parser_write(parser, piece)
    if (parser.indent_len + parser.pending.length > Limits.maxPending) throw new Error()
    if (
      elements > Limits.maxElements ||
      parsed.length > Limits.maxParsed ||
      block > (top().slot.closest("pre") ? Limits.maxCode : Limits.maxBlock)
    ) {
      end()
      if (!plain) startPlain()
    }
  }

  if (!say) startPlain()
  return {
    write: (delta) => {
      rest += delta
    },
    renderNext: () => {
      const piece = nextPiece.exec(rest)?.[0] ?? ""
      rest = rest.slice(piece.length)
      if (plain) {
        if (block >= Limits.maxPlain && run === 0) startPlain()
        append(plain, piece)
        say?.(piece.slice(spoken))
        spoken = Math.max(0, spoken - piece.length)
      } else if (piece !== "") {
        parsed += piece
        attempt(() => parse(piece))
      }
      return piece.length
    },
    end
  }
}
