/**
 * Which of several forms of the same content a client gets, and whether it has it already (RFC 9110). Pure.
 *
 * @module
 */

/** A content coding of ours, and none. */
export type Coding = "br" | "gzip" | "identity"

/** The smaller first: of those that a client likes equally, it gets the first. */
const codings: ReadonlyArray<Coding> = ["br", "gzip", "identity"]

/** The weight of a coding as a client wrote it, from 0 (never) to 1; what cannot be read counts as 0. */
const weightOf = (parameters: ReadonlyArray<string>): number => {
  const q = parameters.map((parameter) => parameter.trim()).find((parameter) => /^q\s*=/i.test(parameter))
  if (q === undefined) return 1
  const value = q.slice(q.indexOf("=") + 1).trim()
  return /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/.test(value) ? Number(value) : 0
}

/**
 * The coding to answer with. Without the header, and where nothing of ours is wanted, the content is given as it is:
 * what a client cannot read would be worse than what it did not ask for.
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
  // Unless it is named, the content as it is is worth less than any coding that is.
  let most = weights.get("identity") ?? 0
  for (const one of codings) {
    const weight = weights.get(one) ?? (one === "identity" ? 0 : (weights.get("*") ?? 0))
    if (weight > most || (weight === most && weight > 0 && codings.indexOf(one) < codings.indexOf(best))) {
      best = one
      most = weight
    }
  }
  return best
}

const opaque = (tag: string): string => tag.trim().replace(/^W\//, "")

/** Whether an `If-None-Match` names the entity tag. A proxy that compressed an answer has weakened its tag: it counts. */
export const matchesEtag = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch !== undefined &&
  (ifNoneMatch.trim() === "*" || ifNoneMatch.split(",").some((tag) => opaque(tag) === etag))
