/**
 * Orders texts by their code points, as PostgreSQL's collation "C" does. Pure.
 *
 * @module
 */

/** Moves surrogates, which stand for code points from U+10000, behind all other UTF-16 units. */
const rank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800)

/** Negative if `left` comes first. The texts are well formed. */
export const compare = (left: string, right: string): number => {
  if (left === right) return 0
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index++) {
    const [a, b] = [left.charCodeAt(index), right.charCodeAt(index)]
    if (a !== b) return rank(a) - rank(b)
  }
  return left.length - right.length
}
