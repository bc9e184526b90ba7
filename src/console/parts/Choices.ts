/**
 * The choices of a select or a menu, and which of them are shown. Pure.
 *
 * @module
 */

/** The note stands beside the label, such as the offset of a time zone. The terms are not shown, but found. */
export type Choice<A extends string> = readonly [value: A, label: string, note?: string, terms?: string]

/** Splits a text into words, in lower case and without accents, so that a search ignores both. */
export const wordsOf = (text: string): ReadonlyArray<string> =>
  text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .split(/[\s/_]+/)

/**
 * The choices whose labels, notes or terms contain each of the typed words, in order. Case, accents, `/`, `_` and the first zero of an
 * offset do not count.
 */
export const matching = <A extends string>(
  choices: ReadonlyArray<Choice<A>>,
  typed: string
): ReadonlyArray<Choice<A>> => {
  const words = wordsOf(typed)
  return choices.filter(([, label, note = "", terms = ""]) => {
    const text = wordsOf(`${label} ${terms} ${note} ${note.replace(/([+-])0/, "$1")}`).join(" ")
    return words.every((word) => text.includes(word))
  })
}

/** All items, or if there are more than `max`, as many as that around the item at `index`. */
export const around = <A>(items: ReadonlyArray<A>, index: number, max: number): ReadonlyArray<A> => {
  const first = Math.max(0, Math.min(index - Math.floor(max / 2), items.length - max))
  return items.slice(first, first + max)
}
