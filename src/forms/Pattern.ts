/**
 * The patterns of form rules: regular expressions in RE2's syntax. The engine never backtracks, so a match takes time linear
 * in the text, whatever the pattern. The lengths of text and pattern are bounded. Pure.
 *
 * @module
 */
import { Result } from "effect"
import { RE2JS, RE2JSException } from "re2js"
import * as Memo from "../platform/data/Memo.ts"
import * as PatternSize from "./PatternSize.ts"

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
export const maxExpanded = 2 * maxInstructions

/** The maximum number of sets of characters that a pattern names by a Unicode property. */
export const maxUnicodeSets = 20

/** The maximum number of compiled patterns that are kept. */
const maxKept = 1_000

const tooComplex = "is too complex; use fewer or smaller repetitions"

const read = (pattern: string): Result.Result<RE2JS, string> => {
  if (pattern.length > maxPattern) return Result.fail(`must have at most ${maxPattern} characters`)
  if (PatternSize.unicodeSets(pattern) > maxUnicodeSets) {
    return Result.fail(`must have at most ${maxUnicodeSets} Unicode properties such as \\p{L}`)
  }
  if (PatternSize.expandedSize(pattern) > maxExpanded) return Result.fail(tooComplex)
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
