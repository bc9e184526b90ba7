/**
 * How many live streams of one process a caller and a website may have at once. Pure.
 *
 * A website may have a quarter of the streams that other websites do not use, so that many keys and sessions of one website
 * cannot take all streams from the others.
 *
 * @module
 */

/** The maximum number of streams of the process. */
export const total = 200

/** The maximum number of streams of one key or session. */
export const perCaller = 4

const websiteShare = 1 / 4

/** The maximum number of streams of a website while other websites have `others`. */
export const maxOfWebsite = (others: number): number => Math.max(1, Math.floor((total - others) * websiteShare))

/** Whose limit refuses a stream, and that limit. */
export type Refusal =
  | { readonly reason: "caller"; readonly max: number }
  | { readonly reason: "website"; readonly max: number }
  | { readonly reason: "process" }

/** Why no further stream may begin; null if one may. The arguments count the open streams. */
export const refusal = (open: {
  readonly all: number
  readonly ofCaller: number
  readonly ofWebsite: number
}): Refusal | null => {
  if (open.ofCaller >= perCaller) return { reason: "caller", max: perCaller }
  const max = maxOfWebsite(open.all - open.ofWebsite)
  if (open.all >= total) return { reason: "process" }
  return open.ofWebsite >= max ? { reason: "website", max } : null
}
