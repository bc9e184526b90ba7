/**
 * Statistics of repeated measurements. Pure.
 *
 * @module
 */

const ascending = (a: number, b: number): number => a - b

/** The `q`-quantile (0 to 1), interpolated linearly; NaN for no samples. */
export const quantile = (samples: ReadonlyArray<number>, q: number): number => {
  const sorted = samples.toSorted(ascending)
  if (sorted.length === 0) return Number.NaN
  const position = Math.min(Math.max(q, 0), 1) * (sorted.length - 1)
  const below = sorted[Math.floor(position)]!
  const above = sorted[Math.ceil(position)]!
  return below === above ? below : below + (above - below) * (position - Math.floor(position))
}

export const median = (samples: ReadonlyArray<number>): number => quantile(samples, 0.5)

/** The range of the samples as a share of their median; 0 for fewer than two samples. */
export const spread = (samples: ReadonlyArray<number>): number =>
  samples.length < 2 ? 0 : (Math.max(...samples) - Math.min(...samples)) / median(samples)

/**
 * The ratios first / second, round by round, so that a machine that is slower during one round affects both sides of a ratio.
 * Rounds that only one side has are ignored.
 */
const ratios = (first: ReadonlyArray<number>, second: ReadonlyArray<number>): ReadonlyArray<number> =>
  first.slice(0, second.length).map((value, round) => value / second[round]!)

/** The median of the ratios of rounds. */
export const ratio = (first: ReadonlyArray<number>, second: ReadonlyArray<number>): number =>
  median(ratios(first, second))

export interface Interval {
  readonly low: number
  readonly high: number
}

/**
 * A confidence interval for the median, from order statistics: it assumes no distribution. The chance that the true median
 * lies outside the k-th smallest to the k-th largest of n samples is twice the chance of fewer than k heads in n tosses of a
 * coin. The interval is the narrowest of these with the given confidence, or the whole range where n is too small for any.
 */
export const medianInterval = (samples: ReadonlyArray<number>, confidence: number): Interval => {
  const sorted = samples.toSorted(ascending)
  const { length } = sorted
  let skipped = 0
  let heads = 0.5 ** length
  let cumulative = heads
  while (skipped + 1 < length / 2) {
    heads *= (length - skipped) / (skipped + 1)
    cumulative += heads
    if (1 - 2 * cumulative < confidence) break
    skipped++
  }
  // `skipped` samples are dropped at each end.
  return { low: sorted[skipped] ?? Number.NaN, high: sorted[length - 1 - skipped] ?? Number.NaN }
}

/** A confidence interval for `ratio`. */
export const ratioInterval = (
  first: ReadonlyArray<number>,
  second: ReadonlyArray<number>,
  confidence: number
): Interval => medianInterval(ratios(first, second), confidence)

/** The order of contenders in a round: each comes first equally often, and every second cycle is reversed. */
export const orderOf = <A>(contenders: ReadonlyArray<A>, round: number): ReadonlyArray<A> => {
  const shift = contenders.length === 0 ? 0 : round % contenders.length
  const rotated = [...contenders.slice(shift), ...contenders.slice(0, shift)]
  return Math.floor(round / Math.max(1, contenders.length)) % 2 === 0 ? rotated : rotated.toReversed()
}
