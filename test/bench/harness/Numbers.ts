/**
 * What is said of several samples of the same thing. Pure.
 *
 * @module
 */

const ascending = (a: number, b: number): number => a - b

/** The value below which the share `q` (0 to 1) of the samples lies, interpolated; NaN of none. */
export const quantile = (samples: ReadonlyArray<number>, q: number): number => {
  const sorted = samples.toSorted(ascending)
  if (sorted.length === 0) return Number.NaN
  const place = Math.min(Math.max(q, 0), 1) * (sorted.length - 1)
  const below = sorted[Math.floor(place)]!
  const above = sorted[Math.ceil(place)]!
  return below === above ? below : below + (above - below) * (place - Math.floor(place))
}

export const median = (samples: ReadonlyArray<number>): number => quantile(samples, 0.5)

/** How far the samples lie apart: the greatest less the least, as a share of the median; 0 of fewer than two. */
export const spread = (samples: ReadonlyArray<number>): number =>
  samples.length < 2 ? 0 : (Math.max(...samples) - Math.min(...samples)) / median(samples)

/**
 * How many times the second the first is: the median of the ratios of each round, so that a machine which is slower for a
 * while is so for both. Rounds that one of them lacks do not count.
 */
export const ratio = (first: ReadonlyArray<number>, second: ReadonlyArray<number>): number =>
  median(first.slice(0, second.length).map((value, round) => value / second[round]!))

/** The order of a round: each contender comes first once in as many rounds as there are, and every other turn backwards. */
export const orderOf = <A>(contenders: ReadonlyArray<A>, round: number): ReadonlyArray<A> => {
  const shift = contenders.length === 0 ? 0 : round % contenders.length
  const turned = [...contenders.slice(shift), ...contenders.slice(0, shift)]
  return Math.floor(round / Math.max(1, contenders.length)) % 2 === 0 ? turned : turned.toReversed()
}
