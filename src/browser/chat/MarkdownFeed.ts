/**
 * Feeds text to the Markdown parser, and escapes what the parser would mistake for marks: an underscore in `snake_case`,
 * brackets in the text of a link, and parentheses in its address. Finds bare addresses after brackets and marks. Reads the
 * alignments of tables, which the parser skips.
 *
 * @module
 */
import * as smd from "streaming-markdown"

/** Matches the text that the parser gets in one call: characters that this module interprets are passed alone. */
const nextCall = /[^_[\]()|<>"*`\n]+|./gsu

/** Matches a text that ends with a letter or digit. */
const wordEnd = /[\p{L}\p{N}]$/u

/** Characters that end a bare address. */
const addressEnd = /^[|<>"*`]/

/** Returns the alignments of a table's columns, from the row below its headings. Empty for a column that has no alignment. */
const alignmentsOf = (row: string): ReadonlyArray<string> =>
  row
    .trim()
    .replace(/^\||\|$/g, "")
    .split("|")
    .map((cell) => {
      const mark = cell.trim()
      if (mark.endsWith(":")) return mark.startsWith(":") ? "center" : "right"
      return mark.startsWith(":") ? "left" : ""
    })

/** The library's tokens are numbers. Those of links, bare addresses and images are consecutive. */
export const isLink = (token: number): boolean => token >= smd.LINK && token <= smd.IMAGE

export const isEquation = (token: number): boolean => token === smd.EQUATION_BLOCK || token === smd.EQUATION_INLINE

/** Whether marks in a token's text are plain characters. */
const isVerbatim = (token: number): boolean =>
  (token >= smd.CODE_BLOCK && token <= smd.CODE_INLINE) ||
  token === smd.RAW_URL ||
  token === smd.IMAGE ||
  isEquation(token)

/** Whether a token's text may hold a bare address. */
const isInline = (token: number): boolean =>
  (token >= smd.PARAGRAPH && token <= smd.STRIKE && !isVerbatim(token)) ||
  token === smd.LIST_ITEM ||
  token === smd.TABLE_CELL

/** Whether an underscore after a word ends an emphasis: neither a letter nor a digit follows. */
const isClosing = (token: number, after: string): boolean =>
  (token === smd.ITALIC_UND || token === smd.STRONG_UND) && !/^_*[\p{L}\p{N}]/u.test(after)

/**
 * Makes a function that passes the next piece of a text to the parser. A piece that ends with an underscore must be the last
 * piece, because the letter after an underscore decides whether the underscore is a mark.
 *
 * @param onAlignments receives the alignments of the current table
 */
export const makeFeed = (
  parser: smd.Parser,
  onAlignments: (alignments: ReadonlyArray<string>) => void
): ((piece: string) => void) => {
  /** How many brackets are open in the text of the current link. */
  let brackets = 0
  /** The part that the parser got last. */
  let before = ""
  /** Whether the text so far, apart from underscores at its end, ends with a word. */
  let isInWord = false

  const write = (part: string, after: string): void => {
    const { pending, token } = parser
    const isAddress = isLink(token) && pending.startsWith("](")
    /** Whether the part is in the text of a link and not after a backslash, after which a bracket is not a mark. */
    const isText = token === smd.LINK && !isAddress && !before.endsWith("\\")
    if (token !== smd.LINK) brackets = 0
    if (token === smd.RAW_URL && addressEnd.test(part)) {
      // Ends the address as a space does.
      smd.parser_write(parser, " ")
      parser.pending = ""
    }
    if (isAddress && part === ")" && pending.split("(").length - pending.split(")").length > 1) {
      // The parenthesis belongs to the address.
      parser.pending += part
    } else if (isText && part === "]" && brackets > 0) {
      brackets--
      smd.parser_write(parser, "\\]")
    } else if (part === "_" && isInWord && !isVerbatim(token) && !isAddress && !isClosing(token, after)) {
      smd.parser_write(parser, "\\_")
    } else {
      if (part === "\n" && token === smd.TABLE && parser.table_state === 1) onAlignments(alignmentsOf(pending))
      if (part[0] === "h" && !isInWord) {
        smd.parser_write(parser, "h")
        // The parser itself finds a bare address only after white space.
        if (parser.pending === "<h") {
          parser.text += "<"
          parser.pending = "h"
          parser.token = smd.MAYBE_URL
        } else if (parser.pending === "h" && isInline(parser.token)) parser.token = smd.MAYBE_URL
        smd.parser_write(parser, part.slice(1))
      } else smd.parser_write(parser, part)
      if (part === "[" && parser.token === smd.LINK && !isAddress && !before.endsWith("\\")) brackets++
    }
    before = part
    if (part !== "_") isInWord = wordEnd.test(part)
  }

  return (piece) => {
    for (const { 0: part, index } of piece.matchAll(nextCall)) write(part, piece.slice(index + 1, index + 3))
  }
}
