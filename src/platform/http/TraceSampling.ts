/**
 * Decides which requests are traced: OpenTelemetry's parent-based ratio sampler. Pure.
 *
 * @module
 */

/**
 * A request with a parent is sampled if its parent is; any other request with the probability `ratio`. `random` is in [0, 1).
 */
export const isSampled = (ratio: number, parent: { readonly sampled: boolean } | undefined, random: number): boolean =>
  parent?.sampled ?? random < ratio

/** The parent-based samplers of OpenTelemetry. */
export const samplers = ["parentbased_traceidratio", "parentbased_always_on", "parentbased_always_off"] as const

export type Sampler = (typeof samplers)[number]

/** The ratio of sampled requests among those without a parent. `ratio` is the sampler's argument. */
export const ratioOf = (sampler: Sampler, ratio: number): number =>
  sampler === "parentbased_traceidratio" ? ratio : sampler === "parentbased_always_on" ? 1 : 0
