/**
 * Which requests are traced: the parent-based ratio sampler of OpenTelemetry. Pure.
 *
 * @module
 */

/**
 * A request that belongs to a trace already is sampled if its parent is. Of the others, a share of `ratio` is; `random` is a
 * number from 0 up to, not including, 1.
 */
export const isSampled = (ratio: number, parent: { readonly sampled: boolean } | undefined, random: number): boolean =>
  parent?.sampled ?? random < ratio
