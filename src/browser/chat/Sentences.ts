/**
 * Splits an answer into sentences while it arrives.
 *
 * @module
 */

/**
 * The end of a sentence: punctuation, closing quotes and brackets, then white space; or the punctuation of a script without
 * spaces; or line breaks.
 *
 * Punctuation without white space does not end a sentence. It matches with an empty first group, which `add` skips: if it did not
 * match, a long run of punctuation would take quadratic time.
 */
const sentenceEnd = /[.!?…؟।]+["'”’»)\]]*(\s*)|[。！？]+[”’」』）]*\s*|\n+/g

/** An incomplete sentence that is longer than this, in UTF-16 units, is split, at a space if there is one. */
const maxSentence = 300

export interface SentenceSplitter {
  /** Adds a piece and returns the sentences that are now complete, trimmed and not empty. */
  readonly add: (piece: string) => ReadonlyArray<string>
  /** Returns the incomplete sentence and clears it. */
  readonly flush: () => ReadonlyArray<string>
}

const normalize = (parts: ReadonlyArray<string>): ReadonlyArray<string> =>
  parts.map((part) => part.replace(/\s+/g, " ").trim()).filter(Boolean)

/** Makes a splitter. Its sentences, joined, equal the added text except for white space. */
export const makeSentenceSplitter = (): SentenceSplitter => {
  let rest = ""
  return {
    add: (piece) => {
      rest += piece
      const parts: Array<string> = []
      let from = 0
      for (const match of rest.matchAll(sentenceEnd)) {
        if (match[1] === "") continue
        const to = match.index + match[0].length
        // The number of a list item, such as "1. ", is not a sentence.
        if (/^\s*\p{N}+\.\s+$/u.test(rest.slice(from, to))) continue
        parts.push(rest.slice(from, to))
        from = to
      }
      rest = rest.slice(from)
      while (rest.length > maxSentence) {
        const space = rest.lastIndexOf(" ", maxSentence)
        // Surrogate pairs are not split.
        const cut = space > 0 ? space : /[\uD800-\uDBFF]/.test(rest[maxSentence - 1]!) ? maxSentence + 1 : maxSentence
        parts.push(rest.slice(0, cut))
        rest = rest.slice(cut)
      }
      return normalize(parts)
    },
    flush: () => {
      const parts = [rest]
      rest = ""
      return normalize(parts)
    }
  }
}
