/**
 * The choices of a select, and those that a person searches. Pure.
 *
 * @module
 */

/** The note stands beside the label, such as the offset of a time zone. */
export type Choice<A extends string> = readonly [value: A, label: string, note?: string]

const wordsOf = (text: string): ReadonlyArray<string> => text.toLowerCase().split(/[\s/_]+/)

/**
 * The choices whose labels or notes contain each of the typed words, in order. Case, `/`, `_` and the first zero of an offset do not
 * count.
 */
export const matching = <A extends string>(
  choices: ReadonlyArray<Choice<A>>,
  typed: string
): ReadonlyArray<Choice<A>> => {
  const words = wordsOf(typed)
  return choices.filter(([, label, note = ""]) => {
    const text = wordsOf(`${label} ${note} ${note.replace(/([+-])0/, "$1")}`).join(" ")
    return words.every((word) => text.includes(word))
  })
}
