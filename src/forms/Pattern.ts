/**
 * The patterns of form rules: regular expressions in RE2's syntax. The engine never backtracks, so a match takes time linear in the
 * text, whatever the pattern. The lengths of text and pattern are bounded, and the cost of compiling a pattern, estimated from its text:
 * a compiler expands repetitions, so that a short text can take seconds. Pure.
 *
 * @module
 */
import { Result } from "effect"
import { RE2JS, RE2JSException } from "re2js"
import * as Memo from "../platform/text/Memo.ts"

/** The parts of a regular expression in RE2's syntax. A text that RE2 refuses is split somehow. */
const token =
  /\\Q(?<quoted>.*?)(?:\\E|$)|(?<atom>\\[pP](?:\{[^}]*\}|.)|\\x\{[^}]*\}|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]?)|(?<flags>\(\?[A-Za-z-]*\))|(?<open>\((?:\?(?:P?<[^>]*>|[A-Za-z-]*:))?)|(?<close>\))|(?<or>\|)|\{(?<least>\d+)(?<most>,\d*)?\}\??|(?<quantifier>[*+?]\??)|./gsu

/** An open group while its text is read. */
interface Group {
  readonly isCapturing: boolean
  /** The instructions of the alternatives before the current one. */
  alternatives: number
  /** Whether one of them is a single character. A compiler turns all of these into one set of characters. */
  hasCharacter: boolean
  /** The current alternative: its instructions except those of the last part, the last part's, and the number of its parts. */
  sequence: number
  last: number
  parts: number
}

const openGroup = (isCapturing: boolean): Group => ({
  isCapturing,
  alternatives: 0,
  hasCharacter: false,
  sequence: 0,
  last: 0,
  parts: 0
})

const addPart = (group: Group, size: number): void => {
  group.sequence += group.last
  group.last = size
  group.parts++
}

const endAlternative = (group: Group): void => {
  const isCharacter = group.parts === 1 && group.last === 1
  if (!isCharacter || !group.hasCharacter) {
    group.alternatives += Math.max(1, group.sequence + group.last) + (group.alternatives === 0 ? 0 : 1)
  }
  group.hasCharacter ||= isCharacter
  group.sequence = group.last = group.parts = 0
}

const sizeOf = (group: Group): number => {
  endAlternative(group)
  return group.alternatives + (group.isCapturing ? 2 : 0)
}

/**
 * About how many instructions a compiled pattern has, after its repetitions are expanded. The compiled pattern may have fewer,
 * because a compiler shares the common beginnings of alternatives.
 */
export const expandedSize = (pattern: string): number => {
  const groups = [openGroup(false)]
  for (const { groups: found = {} } of pattern.matchAll(token)) {
    const group = groups.at(-1) ?? openGroup(false)
    if (found["flags"] !== undefined) continue
    if (found["open"] !== undefined) groups.push(openGroup(!found["open"].endsWith(":")))
    else if (found["close"] !== undefined) {
      // A closing bracket without an opening one is invalid.
      if (groups.length > 1) addPart(groups.at(-2) ?? group, sizeOf(groups.pop() ?? group))
    } else if (found["or"] !== undefined) endAlternative(group)
    else if (found["quantifier"] !== undefined) group.last++
    else if (found["least"] !== undefined) {
      const least = Number(found["least"])
      const most = Math.max(least, Number(found["most"]?.slice(1) ?? 0))
      group.last = Math.max(1, group.last * Math.max(1, most) + (most - least))
    } else addPart(group, found["quoted"]?.length ?? 1)
  }
  while (groups.length > 1) addPart(groups.at(-2) ?? openGroup(false), sizeOf(groups.pop() ?? openGroup(false)))
  return groups.reduce((size, group) => size + sizeOf(group), 0)
}

/** How many sets of characters the pattern names by a Unicode property, such as `\p{L}`. Each has hundreds of ranges. */
export const unicodeSets = (pattern: string): number => [...pattern.matchAll(/\\p/gi)].length

/** The maximum length of a pattern, and of a text that is matched, in UTF-16 units. */
export const maxPattern = 200
export const maxText = 500

/**
 * The maximum number of instructions of a compiled pattern. A repetition `{n}` multiplies the instructions of what it
 * repeats.
 */
const maxInstructions = 200

/**
 * The maximum estimated size of a pattern that is compiled. Larger than `maxInstructions`, because the estimate can be too large.
 */
const maxExpanded = 2 * maxInstructions

/** The maximum number of sets of characters that a pattern names by a Unicode property. */
const maxUnicodeSets = 20

/** The maximum number of compiled patterns that are kept. */
const maxKept = 1_000

const tooComplex = "is too complex; use fewer or smaller repetitions"

const read = (pattern: string): Result.Result<RE2JS, string> => {
  if (pattern.length > maxPattern) return Result.fail(`must have at most ${maxPattern} characters`)
  if (unicodeSets(pattern) > maxUnicodeSets) {
    return Result.fail(`must have at most ${maxUnicodeSets} Unicode properties such as \\p{L}`)
  }
  if (expandedSize(pattern) > maxExpanded) return Result.fail(tooComplex)
  try {
    const compiled = RE2JS.compile(pattern)
    return compiled.programSize() > maxInstructions ? Result.fail(tooComplex) : Result.succeed(compiled)
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    return Result.fail(
      `must be a regular expression without look-around and back-references (RE2); ${error.message.replace(/^error parsing regexp: /, "")}`
    )
  }
}

const compile = Memo.memoize(read, maxKept)

/** What is wrong with a pattern; undefined if nothing is. */
export const faultOf = (pattern: string): string | undefined =>
  Result.match(compile(pattern), { onFailure: (fault) => fault, onSuccess: () => undefined })

/** Whether a valid pattern matches a whole text of at most `maxText`. A longer text does not match. */
export const matches = (pattern: string, text: string): boolean =>
  text.length <= maxText &&
  // `matcher` rather than `testExact`, whose automaton may take megabytes.
  Result.match(compile(pattern), { onFailure: () => false, onSuccess: (compiled) => compiled.matcher(text).matches() })
