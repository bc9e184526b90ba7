/**
 * Renders an answer's Markdown while it arrives. A library parses the text. This module creates the elements: those listed
 * below, and links that `safeHref` accepts. An agent's text never becomes HTML or an attribute other than `href` and a list's
 * `start`, and never causes a request: images become links.
 *
 * Beyond the limits of `Limits`, an answer or its rest is shown as it was written, in blocks that browsers lay out quickly.
 * Rendering takes time linear in the answer's length, whatever the answer contains.
 *
 * @module
 */
import * as smd from "streaming-markdown"
import { safeHref, splitBare } from "./Addresses.ts"
import { make } from "./Dom.ts"
import * as Limits from "./Limits.ts"
import { isEquation, isLink, makeFeed } from "./MarkdownFeed.ts"

export interface Markdown {
  readonly write: (delta: string) => void
  /** Renders the next piece of the written text. Returns its length in UTF-16 units; 0 if no text can be rendered yet. */
  readonly renderNext: () => number
  /**
   * After the last `write`, call this before each `renderNext` until `renderNext` returns 0. Once everything is rendered, it
   * shows incomplete marks as they were written. If the parser fails then, the whole text must be rendered again.
   */
  readonly end: () => void
}

/** Matches the text that is rendered in one step. It ends after white space if possible. */
const nextPiece = /^(?:[^\n]{0,255}\s|[^\n]{1,256})/u

/** The element of each parser token. The text of a token without an element goes into the parent element. */
const elementNames: ReadonlyArray<string | undefined> =
  // The panel's heading has level 2, so an answer's headings start at level 3.
  ",,p,h3,h4,h5,h6,h6,h6,,,code,em,em,strong,strong,s,a,a,a,blockquote,br,hr,ul,ol,li,,,tr".split(",")

/** Elements that are followed by a pause in the spoken text. */
const blocks = /^(P|H.|LI|TR|BR)$/

interface OpenToken {
  readonly token: number
  /** The element that receives the token's text. */
  readonly slot: HTMLElement
  address?: string
  checked?: boolean
}

/** The opening mark of a link, an image or an equation, as it was written. */
const mark = (token: number): string =>
  token === smd.LINK ? "[" : token === smd.IMAGE ? "![" : token === smd.EQUATION_BLOCK ? "$$" : "$"

/**
 * Renders Markdown into `root`. `say` receives the rendered text, without its marks. Without `say`, all text is shown as it
 * was written. `hrefOf` returns the address of a link; undefined if only the link's text is shown.
 */
export const makeMarkdown = (
  root: HTMLElement,
  say?: (text: string) => void,
  hrefOf = (address: string): string | undefined => safeHref(address, document.baseURI)
): Markdown => {
  const open: Array<OpenToken> = [{ token: smd.DOCUMENT, slot: root }]
  const top = (): OpenToken => open.at(-1)!

  let elementCount = 0
  /** The length of the current block. */
  let blockLength = 0
  /** The length of the text since the last line break opportunity. */
  let runLength = 0
  let alignments: ReadonlyArray<string> = []

  const append = (slot: HTMLElement, value: string): void => {
    const last = slot.lastChild
    // One text node for each delta would make a long paragraph slow to lay out.
    if (last instanceof Text) last.appendData(value)
    else slot.append(value)
    blockLength += value.length
    runLength = /\s/.test(value) ? 0 : runLength + value.length
    if (runLength >= Limits.maxRun) {
      slot.append(make("wbr"))
      runLength = 0
    }
  }

  const appendText = (value: string): void => {
    for (const [part] of value.matchAll(/.{1,256}/gsu)) append(top().slot, part)
    say?.(value)
  }

  const align = (cell: Element, column: number): void => {
    const name = alignments[column]
    if (name) cell.className = name
  }

  const slotFor = (token: number, parent: HTMLElement): HTMLElement => {
    if (open.length > Limits.maxDepth) return parent
    // Links cannot be nested.
    if (isLink(token) && parent.closest("a")) return parent
    elementCount++
    if (token < smd.CODE_INLINE || (token > smd.RULE && !isEquation(token))) blockLength = 0
    switch (token) {
      case smd.CODE_BLOCK:
      case smd.CODE_FENCE:
        return parent.appendChild(make("pre", { tabindex: "0" })).appendChild(make("code"))
      case smd.TABLE:
        alignments = []
        return parent.appendChild(make("div", { class: "table" })).appendChild(make("table"))
      case smd.TABLE_CELL: {
        const cell = parent.matches("tr:first-child") ? make("th", { scope: "col" }) : make("td")
        align(cell, parent.childElementCount)
        return parent.appendChild(cell)
      }
      default: {
        const name = elementNames[token]
        return name ? parent.appendChild(make(name as "p")) : parent
      }
    }
  }

  /**
   * Sets a link's address. Replaces a link by its text if the address is not allowed, and an incomplete link by what was
   * written, followed by `unread`.
   */
  const closeLink = (link: OpenToken, unread: string): void => {
    const { address, token } = link
    const slot = link.slot as HTMLAnchorElement
    if (!isLink(token) || slot === top().slot) return
    if (address === undefined && token !== smd.RAW_URL) {
      slot.replaceWith(mark(token), ...slot.childNodes)
      appendText(unread)
      return
    }
    const written = address ?? slot.textContent
    const [bare, after] = token === smd.RAW_URL ? splitBare(written) : [written, ""]
    const href = hrefOf(bare)
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
    if (slot.origin !== location.origin && /^http/.test(slot.protocol)) {
      slot.target = "_blank"
      slot.rel = "noopener noreferrer"
    }
  }

  const renderer: smd.Any_Renderer = {
    data: undefined,
    add_token: (_, token) => {
      if (token === smd.DOCUMENT) return
      // Equations are shown as they were written: `$` may be a price.
      if (isEquation(token)) appendText(mark(token))
      open.push({ token, slot: slotFor(token, top().slot) })
    },
    end_token: () => {
      if (open.length === 1) return
      const ended = open.pop()!
      closeLink(ended, parser.pending === "]" ? "]" : "")
      if (ended.token === smd.CHECKBOX) appendText(ended.checked ? "☑ " : "☐ ")
      if (isEquation(ended.token)) appendText(mark(ended.token))
      if (ended.token === smd.TABLE_CELL) say?.(", ")
      if (blocks.test(ended.slot.tagName) || ended.slot.closest("pre")) say?.("\n")
    },
    add_text: (_, value) => appendText(value),
    set_attr: (_, name, value) => {
      const { slot } = top()
      if (name <= smd.SRC) top().address = value
      else if (name === smd.CHECKED) top().checked = true
      else if (name === smd.START && slot instanceof HTMLOListElement) slot.start = +value.slice(0, 9) || 0
    }
  }

  const parser = smd.parser(renderer)
  const feed = makeFeed(parser, (columns) => {
    alignments = columns
    top().slot.querySelectorAll("th").forEach(align)
  })
  /** The text that was given to the parser. */
  let parsed = ""
  /** The text that is not rendered yet. */
  let rest = ""
  /** The current block of text that is shown as it was written. Undefined while Markdown is parsed. */
  let plain: HTMLElement | undefined
  /** The length of the text that is rendered again, as it was written, but not passed to `say` again. */
  let spokenLength = 0
  let isEnded = !say

  const startPlain = (): void => {
    plain = root.appendChild(make("p", { class: "plain" }))
    blockLength = 0
  }

  const attempt = (step: () => void): void => {
    try {
      step()
    } catch {
      // The text exceeds the parser's limits: all of it is shown as it was written.
      root.replaceChildren()
      rest = parsed + rest
      spokenLength = parsed.length
      startPlain()
    }
  }

  const close = (): void => {
    if (plain) return
    attempt(() => {
      smd.parser_end(parser)
      const unread = parser.pending.replace(/\n$/, "")
      while (open.length > 1) closeLink(open.pop()!, unread)
    })
  }

  const parse = (piece: string): void => {
    feed(piece)
    if (parser.indent_len + parser.pending.length > Limits.maxPending) throw new Error()
    if (
      elementCount > Limits.maxElements ||
      parsed.length > Limits.maxParsed ||
      blockLength > (top().slot.closest("pre") ? Limits.maxCode : Limits.maxBlock)
    ) {
      close()
      if (!plain) startPlain()
    }
  }

  if (!say) startPlain()
  return {
    write: (delta) => {
      rest += delta
    },
    renderNext: () => {
      let piece = nextPiece.exec(rest)?.[0] ?? ""
      // The letter after an underscore decides whether the underscore is a mark.
      if (piece.length === rest.length && !isEnded) piece = piece.replace(/_+$/, "")
      rest = rest.slice(piece.length)
      if (plain) {
        if (blockLength >= Limits.maxPlain && runLength === 0) startPlain()
        append(plain, piece)
        say?.(piece.slice(spokenLength))
        spokenLength = Math.max(0, spokenLength - piece.length)
      } else {
        parsed += piece
        attempt(() => parse(piece))
      }
      return piece.length
    },
    end: () => {
      isEnded = true
      if (rest === "") close()
    }
  }
}
