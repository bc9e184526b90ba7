/**
 * Limits that keep the chat fast and its memory bounded. Lengths of text are in UTF-16 units.
 *
 * @module
 */

/** The longest answer that is received. The edge's own limit is lower. */
export const maxAnswer = 4_194_304

/** A stream without data for this long, in milliseconds, is considered dead. The edge sends a comment every 15 seconds. */
export const maxSilence = 45_000

/**
 * The maximum number of elements of an answer, and the longest text that is parsed as Markdown. Beyond either of them, the
 * answer is shown as it was written.
 */
export const maxElements = 1500
export const maxParsed = 65_536

/**
 * The longest paragraph, list item or table cell, and the longest block of code. Beyond either of them, the rest of the answer
 * is shown as it was written.
 */
export const maxBlock = 4096
export const maxCode = 16_384

/** The longest mark or address that the parser may buffer. The parser copies the whole buffer for each character. */
export const maxPending = 4096

/** The maximum depth of nested elements. The text of deeper elements goes into the element at this depth. */
export const maxDepth = 16

/** A block of text that is shown as it was written ends at the first line break opportunity after this length. */
export const maxPlain = 1024

/** The longest text without a line break opportunity. Browsers take quadratic time to break longer ones. */
export const maxRun = 256

/** The length of text that determines an answer's direction. While `dir` is `auto`, browsers search the text at each change. */
export const maxAuto = 1000

/** The longest address of a link. */
export const maxAddress = 2048

/** The distance from the end of the log, in CSS pixels, within which new text is scrolled into view. */
export const maxDistance = 48

/** How many sentences stay in the live region, and for how long after the last sentence, in milliseconds. */
export const maxSpoken = 20
export const maxSpokenTime = 20_000

/** The maximum number of sources of an answer that are shown. */
export const maxSources = 50

/** The maximum number of code blocks of an answer that have a copy button. */
export const maxCopyButtons = 50

/** The maximum number of suggestions that are shown. */
export const maxSuggestions = 10

/** Browsers close a page's connections up to this long before the page is left, in milliseconds. */
export const maxLeaving = 300

/** How long a page waits for the conversations of other tabs before it sends an unsent question again, in milliseconds. */
export const maxJoining = 300

/**
 * How long a tab that sends a question keeps the other tabs from sending one, in milliseconds. By then, its conversation has
 * arrived in them.
 */
export const maxClaim = 250

/** How long a tab waits for another one that sends a question, in milliseconds, before it sends its own. */
export const maxClaimWait = 1000

/** How many times the chat tries to restore a lost connection to a running answer. */
export const maxResumes = 5

/**
 * The maximum number of messages that are stored, and the maximum length of their JSON. The oldest messages are dropped first.
 * The last message is always stored; its text is cut to `maxStored`.
 */
export const maxMessages = 100
export const maxStored = 200_000
