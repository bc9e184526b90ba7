/**
 * How many of each kind an owner can create. Databases of earlier versions may hold more: these are kept, but no more can be
 * added. Pure; browsers can import it.
 *
 * @module
 */

export interface Maximum {
  readonly max: number
  /** What is counted, in the plural. */
  readonly of: string
  /** What has so many at most. */
  readonly per: string
  /** What to do with one of them to make room for another. */
  readonly next: "delete" | "revoke" | "remove"
}

const ofSite = (max: number, of: string, next: Maximum["next"] = "delete"): Maximum => ({
  max,
  of,
  per: "a website",
  next
})

export const goals = ofSite(50, "goals")
/** A lookup of the website reads the rules of all its forms. */
export const forms = ofSite(50, "forms with rules")
/** A lookup of the website reads all of them. */
export const spamMarks = ofSite(500, "marks of spam", "remove")
export const autoReplies = ofSite(50, "automatic replies")
export const instances = ofSite(20, "instances")
export const webhooks = ofSite(50, "webhooks")
export const notifications = ofSite(50, "notifications", "remove")
export const shares = ofSite(50, "shared dashboards", "revoke")

/** Those who are invited count too: each of them becomes a person. */
export const people = ofSite(100, "people, with those who are invited", "remove")

const ofInstance = (max: number, of: string): Maximum => ({ max, of, per: "an instance", next: "revoke" })

export const tokens = ofInstance(100, "tokens that are not revoked")
/** Revoked tokens are stored for 30 days. */
export const storedTokens = ofInstance(300, "tokens, with the revoked ones of the last 30 days")

/** For a caller that reaches only some websites. One that reaches all belongs to the operator. */
const ofCaller = (max: number, of: string): Maximum => ({
  max,
  of,
  per: "a caller that reaches only some websites",
  next: "revoke"
})

export const keys = ofCaller(100, "keys that are not revoked")
/** Revoked keys are stored for 30 days. */
export const storedKeys = ofCaller(300, "keys, with the revoked ones of the last 30 days")
export const sessions = ofCaller(100, "sessions and links")

/** Every maximum, in the order of the guide. */
export const all: ReadonlyArray<Maximum> = [
  goals,
  forms,
  autoReplies,
  spamMarks,
  instances,
  tokens,
  storedTokens,
  webhooks,
  notifications,
  shares,
  people,
  keys,
  storedKeys,
  sessions
]

/** What a caller reads who wants to create one more. */
export const message = ({ max, next, of, per }: Maximum): string => `${per} has at most ${max} ${of}; ${next} one`

const upperFirst = (text: string): string => text.replace(/^./, (letter) => letter.toUpperCase())

/** A sentence for the description of an operation. */
export const description = (maximums: ReadonlyArray<Maximum>): string =>
  `${[...Map.groupBy(maximums, ({ per }) => per)]
    .map(([per, own]) => `${per} has at most ${own.map(({ max, of }) => `${max} ${of}`).join(", and at most ")}`)
    .map((text, index) => (index === 0 ? upperFirst(text) : text))
    .join("; ")}; 422 beyond that.`
