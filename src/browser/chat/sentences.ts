/**
 * Cuts an answer that comes in pieces into sentences, for those who hear it. Pure but for the state it keeps.
 *
 * @module
 */

/**
 * A sentence's end: marks, whatever closes after them, then white space; or the full stops of scripts without spaces.
 *
 * Marks without white space are no end, and are found all the same, with an empty group: a pattern that failed at the end
 * of a run of marks would be tried again at each of them.
 */
const end = /[.!?…؟।]+["'”’»)\]]*(\s*)|[。！？]+[”’」』）]*\s*|\n+/g

/** From this length a text is given on without waiting for its end, at a space. */
const patience = 300

export interface Cutter {
  /** Takes the next piece and gives the sentences that it completed, trimmed, none empty. */
  readonly add: (piece: string) => ReadonlyArray<string>
  /** Gives what is left. */
  readonly flush: () => ReadonlyArray<string>
}

const spoken = (parts: ReadonlyArray<string>): ReadonlyArray<string> =>
  parts.map((part) => part.replace(/\s+/g, " ").trim()).filter(Boolean)

/** Nothing is lost: but for white space, all that is given, joined, is all that was added. */
export const makeCutter = (): Cutter => {
  let rest = ""
  return {
    add: (piece) => {
      rest += piece
      const parts: Array<string> = []
      let from = 0
      for (const match of rest.matchAll(end)) {
        if (match[1] === "") continue
        const to = match.index + match[0].length
        // "1. Open the lid": the number of a list's item, or of a paragraph, is no sentence.
        if (/^\s*\p{N}+\.\s+$/u.test(rest.slice(from, to))) continue
        parts.push(rest.slice(from, to))
        from = to
      }
      rest = rest.slice(from)
      while (rest.length > patience) {
        const space = rest.lastIndexOf(" ", patience)
        // Never between the halves of a surrogate pair.
        const cut = space > 0 ? space : /[\uD800-\uDBFF]/.test(rest[patience - 1]!) ? patience + 1 : patience
        parts.push(rest.slice(0, cut))
        rest = rest.slice(cut)
      }
      return spoken(parts)
    },
    flush: () => {
      const parts = [rest]
      rest = ""
      return spoken(parts)
    }
  }
}
