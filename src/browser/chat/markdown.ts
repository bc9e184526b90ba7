/**
 * Shows Markdown as it comes. The parser is kept; what it may make is decided here: elements from the list below, text,
 * and links that `links` lets pass. Nothing that an agent writes becomes HTML, an attribute other than a checked `href`
 * and a list's `start`, or a request that the visitor did not ask for: images become links.
 *
 * The time that an answer takes grows as its length does, whatever is in it.
 *
 * @module
 */
import * as smd from "streaming-markdown"
import { make } from "./dom.ts"
import { safeHref, splitBare } from "./links.ts"

export interface Markdown {
  readonly write: (delta: string) => void
  /** No more comes: what was still waiting for its other half is shown as it was written. */
  readonly end: () => void
}

/** Deeper elements are not made; their text goes to the last one that was. A browser lays out no endless depth. */
const maxDepth = 16

/** In such pieces the parser is given a text: after each it is looked at what it holds back. */
const pieces = /.{1,256}/gsu

/** The longest mark, such as a rule or a fence with its language; and how far code may be indented. */
const maxMark = 1024

/** The longest text that more is joined to (UTF-16 units): each time, a browser copies and measures it again. */
const maxJoined = 4096

/** The elements of the parser's tokens, by their number; a token without one shows its text in the element around it. */
const names: ReadonlyArray<string | undefined> =
  // The panel's own heading is of the second level, so an answer's begin at the third.
  ",,p,h3,h4,h5,h6,h6,h6,,,code,em,em,strong,strong,s,a,a,a,blockquote,br,hr,ul,ol,li,,,tr".split(",")

/** After these the one who listens hears a pause. */
const blocks = /^(P|H.|LI|TR|BR)$/

interface Open {
  readonly token: number
  /** Where its text goes: its own element, or that of the one around it. */
  readonly slot: HTMLElement
  address?: string
  checked?: boolean
}

const isLink = (token: number): boolean => token === smd.LINK || token === smd.IMAGE || token === smd.RAW_URL

/** What stood before a text whose mark turned out to be none, or whose element is not made. */
const mark = (token: number): string =>
  token === smd.LINK ? "[" : token === smd.IMAGE ? "![" : token === smd.EQUATION_BLOCK ? "$$" : "$"

/** Shows Markdown in `root`. `say` hears the text as it is shown, without its marks. */
export const markdown = (root: HTMLElement, say: (text: string) => void): Markdown => {
  const open: Array<Open> = [{ token: smd.DOCUMENT, slot: root }]
  const top = (): Open => open.at(-1)!

  const text = (value: string): void => {
    const { slot } = top()
    const last = slot.lastChild
    // A text for each delta would make a long paragraph slow to lay out.
    if (last instanceof Text && last.length < maxJoined) last.appendData(value)
    else slot.append(value)
    say(value)
  }

  const slotFor = (token: number, parent: HTMLElement): HTMLElement => {
    if (open.length > maxDepth) return parent
    // An image within a link is no second link.
    if (isLink(token) && parent.closest("a")) return parent
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

  /** Gives a link its address, or lets its text stand as it was written, `rest` after it. */
  const closeLink = ({ address, slot, token }: Open, rest: string): void => {
    if (!(slot instanceof HTMLAnchorElement)) return
    if (address === undefined && token !== smd.RAW_URL) {
      slot.replaceWith(mark(token), ...slot.childNodes, rest)
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
      // A mark whose element is not made must not be lost: a price is not an equation.
      if (token === smd.EQUATION_INLINE || token === smd.EQUATION_BLOCK) text(mark(token))
      open.push({ token, slot: slotFor(token, top().slot) })
    },
    end_token: () => {
      if (open.length === 1) return
      const ended = open.pop()!
      if (isLink(ended.token) && ended.slot !== top().slot) closeLink(ended, parser.pending === "]" ? "]" : "")
      if (ended.token === smd.CHECKBOX) text(ended.checked ? "☑ " : "☐ ")
      if (ended.token === smd.EQUATION_INLINE || ended.token === smd.EQUATION_BLOCK) text(mark(ended.token))
      if (ended.token === smd.TABLE_CELL) say(", ")
      if (blocks.test(ended.slot.tagName) || ended.slot.parentNode?.nodeName === "PRE") say("\n")
    },
    add_text: (_, value) => text(value),
    set_attr: (_, name, value) => {
      const { slot } = top()
      if (name === smd.HREF || name === smd.SRC) {
        top().address = begun + value
        begun = ""
      } else if (name === smd.CHECKED) top().checked = true
      else if (name === smd.START && slot instanceof HTMLOListElement) slot.start = +value.slice(0, 9) || 0
    }
  }

  const parser = smd.parser(renderer)
  /** What has come of a link's address before what the parser holds of it. */
  let begun = ""

  /**
   * Gives the parser a piece. It copies all that it holds back with each character that comes: so what it holds of an
   * address is taken from it, and a mark that grows beyond its bound is taken for something that it cannot take.
   */
  const take = (piece: string): void => {
    smd.parser_write(parser, piece)
    const { indent_len, pending, token } = parser
    // It looks at neither a bare address nor the line below a table's head before it is whole.
    if (token === smd.RAW_URL || token === smd.TABLE) return
    if (isLink(token) && pending.startsWith("](")) {
      begun += pending.slice(2)
      parser.pending = "]("
    } else if (indent_len + pending.length > maxMark) {
      throw new Error()
    }
  }

  let whole = ""
  /** Whether the parser met something that it could not take: from then on all is shown as it is written. */
  let plain = false

  const attempt = (step: () => void): void => {
    try {
      step()
    } catch {
      plain = true
      root.replaceChildren(make("p", { class: "plain" }, whole))
    }
  }

  return {
    write: (delta) => {
      whole += delta
      if (plain) root.firstElementChild?.append(delta)
      for (const [piece] of delta.matchAll(pieces)) {
        if (plain) say(piece)
        else attempt(() => take(piece))
      }
    },
    end: () => {
      if (!plain) {
        attempt(() => {
          smd.parser_end(parser)
          // What came of an address stands behind the marks that it follows.
          const rest = (parser.pending.slice(0, 2) + begun + parser.pending.slice(2)).replace(/\n$/, "")
          while (open.length > 1) {
            const still = open.pop()!
            if (isLink(still.token) && still.slot !== top().slot) closeLink(still, rest)
          }
        })
      }
    }
  }
}
