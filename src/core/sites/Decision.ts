/**
 * What became of a page view or a submission, in a word from a closed list: for the website's owner, who sees it in the
 * answer's header and counted in the statistics. Pure.
 *
 * @module
 */

/** Why something is not counted. Most are also the reason why it is not stored; `bot` and `quarantined` are stored apart. */
export const reasons = [
  /** A page view by what calls itself a robot, or nothing. */
  "bot",
  /** A browser on a page whose origin the website does not name. */
  "foreign-origin",
  /** More requests from one address than the limit allows. */
  "limited",
  /** A submission that looks like spam: stored, and released by the owner if it is none. */
  "quarantined",
  /** It does not validate: see the answer's list of faults. */
  "invalid",
  /** There is no published website with this id. It is nobody's, so it is counted nowhere. */
  "unknown-site",
  /** It is not known to be stored, and may be sent again. */
  "unavailable"
] as const

export type Reason = (typeof reasons)[number]

/** `repeated`: a submission that was stored when it was first sent under its `Idempotency-Key`, and was decided of then. */
export type Decision = "counted" | "repeated" | Reason

/** How often something was not counted, by its reason; a reason without any is left out. */
export type Counts = Readonly<Partial<Record<Reason, number>>>

/** The header that tells the decision. */
export const header = "x-hydracore-decision"

/** The names in which an owner's website is found: those that visitors send, and what they stand for. */
export type Subject =
  /** A website that was looked up. */
  | { readonly _tag: "Known"; readonly websiteConfigId: string }
  /** An id that somebody claims: the request was turned away before anyone looked whether it exists. */
  | { readonly _tag: "Claimed"; readonly by: "tracking-token" | "website-config-id"; readonly id: string }
