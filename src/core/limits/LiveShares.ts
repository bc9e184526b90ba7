/**
 * How many live streams of one process a caller and a website may have at once. Pure.
 *
 * A website may have a quarter of the streams that no other website has, so that many keys and sessions of one cannot take
 * all of them from the others.
 *
 * @module
 */

/** The maximum number of streams of the process. */
export const total = 200

/** The maximum number of streams of one key or session. */
export const perCaller = 4

const share = 4

/** The maximum number of streams of a website while others have `others`. */
export const ofWebsite = (others: number): number => Math.max(1, Math.floor((total - others) / share))

/** What keeps a stream from beginning, and how many it may have. */
export type Refusal =
  | { readonly reason: "caller"; readonly most: number }
  | { readonly reason: "website"; readonly most: number }
  | { readonly reason: "process" }

/** Why no other stream may begin; null if one may. The streams are those that are open. */
export const refusal = (open: {
  readonly all: number
  readonly ofCaller: number
  readonly ofWebsite: number
}): Refusal | null => {
  if (open.ofCaller >= perCaller) return { reason: "caller", most: perCaller }
  const most = ofWebsite(open.all - open.ofWebsite)
  if (open.all >= total) return { reason: "process" }
  return open.ofWebsite >= most ? { reason: "website", most } : null
}
