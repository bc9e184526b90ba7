/**
 * How much of an answer is rendered as Markdown. Lengths are in UTF-16 units.
 *
 * @module
 */

/** Deeper elements are not created; their text goes into the innermost element. */
export const maxDepth = 16

/** Markdown ends at the first line end beyond these limits, or anywhere beyond twice these limits. */
export const maxElements = 1500

/** The longest paragraph, list item or table cell, and the longest block of code. All lengths are in UTF-16 units. */
export const maxBlock = 4096
export const maxCode = 16_384

/** The longest text that is parsed, and the longest mark or address that the parser buffers. */
export const maxParsed = 65_536
export const maxPending = 4096

/** The most cells of a table's row. */
export const maxCells = 64

/** The longest block of text that is shown as it was written. */
export const maxPlain = 1024

/** The longest run of letters without a line break opportunity. Browsers search longer runs in quadratic time. */
export const maxRun = 256

/** The edge sends a comment every 15 seconds; a stream that is silent for longer than this (milliseconds) is dead. */
export const silence = 45_000

/** The longest answer that is taken, in UTF-16 units; the edge's own bound is lower. */
export const maxAnswer = 4_194_304

/** Nearer to the end than this (CSS pixels) counts as there. */
export const nearly = 48

/** The text (UTF-16 units) that decides an answer's direction. Browsers search an `auto` element's text at each change. */
export const maxAuto = 1000

/** No address that anyone needs is longer, in UTF-16 units. */
export const maxAddress = 2048

/** How many sentences stay in the region; those before were spoken. */
export const kept = 20

/**
 * The most messages that are kept, and their length as JSON. Older messages are dropped first; the text of the last one is
 * cut.
 */
export const maxMessages = 100
export const maxKept = 200_000
