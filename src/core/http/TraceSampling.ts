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

/** Those samplers of OpenTelemetry that let the parent decide. */
export const samplers = ["parentbased_traceidratio", "parentbased_always_on", "parentbased_always_off"] as const

export type Sampler = (typeof samplers)[number]

/** The share of requests without a parent that a sampler samples; `ratio` is its argument. */
export const ratioOf = (sampler: Sampler, ratio: number): number =>
  sampler === "parentbased_traceidratio" ? ratio : sampler === "parentbased_always_on" ? 1 : 0
