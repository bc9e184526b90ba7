/**
 * Content negotiation and conditional requests (RFC 9110). Pure.
 *
 * @module
 */

/** A content coding that the service offers. */
export type Coding = "br" | "gzip" | "identity"

/** In the order of preference among equal weights. The first makes the smallest responses. */
const codings: ReadonlyArray<Coding> = ["br", "gzip", "identity"]

/** The `q` of a coding, from 0 (not acceptable) to 1. An invalid `q` counts as 0. */
const weightOf = (parameters: ReadonlyArray<string>): number => {
  const q = parameters.map((parameter) => parameter.trim()).find((parameter) => /^q\s*=/i.test(parameter))
  if (q === undefined) return 1
  const value = q.slice(q.indexOf("=") + 1).trim()
  return /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/.test(value) ? Number(value) : 0
}

/**
 * The coding of the response. `identity` if there is no header, or if no supported coding is acceptable: unwanted identity
 * is better than a coding that the client cannot decode.
 */
export const coding = (acceptEncoding: string | undefined): Coding => {
  if (acceptEncoding === undefined) return "identity"
  const weights = new Map<string, number>()
  for (const item of acceptEncoding.split(",")) {
    const [name = "", ...parameters] = item.split(";")
    const key = name.trim().toLowerCase()
    // `x-gzip` is gzip's old name.
    if (key !== "") weights.set(key === "x-gzip" ? "gzip" : key, weightOf(parameters))
  }
  let best: Coding = "identity"
  // An `identity` that is not listed is the last choice.
  let bestWeight = weights.get("identity") ?? 0
  for (const candidate of codings) {
    const weight = weights.get(candidate) ?? (candidate === "identity" ? 0 : (weights.get("*") ?? 0))
    const isPreferred = codings.indexOf(candidate) < codings.indexOf(best)
    if (weight > bestWeight || (weight === bestWeight && weight > 0 && isPreferred)) {
      best = candidate
      bestWeight = weight
    }
  }
  return best
}

const opaque = (tag: string): string => tag.trim().replace(/^W\//, "")

/** Whether `If-None-Match` matches the entity tag. Weak tags match too: a proxy that compresses a response weakens its tag. */
export const matchesEtag = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch !== undefined &&
  (ifNoneMatch.trim() === "*" || ifNoneMatch.split(",").some((tag) => opaque(tag) === etag))
