/**
 * Shows Markdown as it comes. The parser is kept; what it may make is decided here: elements from the list below, text,
 * and links that `links` lets pass. Nothing that an agent writes becomes HTML, an attribute other than a checked `href`
 * and a list's `start`, or a request that the visitor did not ask for: images become links.
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
  const top = (): Open => open[open.length - 1]!

  const text = (value: string): void => {
    top().slot.append(value)
    say(value)
  }

  const slotFor = (token: number, parent: HTMLElement): HTMLElement => {
    if (open.length > maxDepth) return parent
    // An image within a link is no second link.
    if (isLink(token) && open.some(({ slot }) => slot instanceof HTMLAnchorElement)) return parent
    switch (token) {
      case smd.CODE_BLOCK:
      case smd.CODE_FENCE: {
        const code = make("code")
        parent.append(make("pre", { tabindex: "0" }, code))
        return code
      }
      case smd.TABLE: {
        const table = make("table")
        parent.append(make("div", { class: "table", tabindex: "0" }, table))
        return table
      }
      case smd.TABLE_CELL: {
        const cell = parent.closest("table")?.rows.length === 1 ? make("th", { scope: "col" }) : make("td")
        parent.append(cell)
        return cell
      }
      default: {
        const name = names[token]
        if (!name) return parent
        const element = make(name as "p")
        parent.append(element)
        return element
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
    if (new URL(href).origin !== location.origin && !href.startsWith("mailto:")) {
      slot.target = "_blank"
      slot.rel = "noopener noreferrer"
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
      if (name === smd.HREF || name === smd.SRC) top().address = value
      else if (name === smd.CHECKED) top().checked = true
      else if (name === smd.START && slot instanceof HTMLOListElement) slot.start = Number(value.slice(0, 9)) || 0
    }
  }

  const parser = smd.parser(renderer)
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
      if (plain) {
        root.firstElementChild?.append(delta)
        say(delta)
      } else {
        attempt(() => smd.parser_write(parser, delta))
      }
    },
    end: () => {
      if (!plain) {
        attempt(() => {
          smd.parser_end(parser)
          const rest = parser.pending.replace(/\n$/, "")
          while (open.length > 1) {
            const still = open.pop()!
            if (isLink(still.token) && still.slot !== top().slot) closeLink(still, rest)
          }
        })
      }
      root.normalize()
    }
  }
}
