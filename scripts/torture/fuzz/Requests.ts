/**
 * Generates requests from the contract's published schemas: valid requests, and requests that are broken in many ways. Pure:
 * the same seed gives the same requests.
 *
 * @module
 */
import type { Target } from "../Load.ts"
import { type Endpoint, modelOf, validJson } from "./Models.ts"
import { byteChanges, changes, headerChanges, type Member } from "./Mutations.ts"
import type { Random } from "./Random.ts"

export interface Request {
  readonly endpoint: Endpoint
  readonly path: string
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: Buffer
  /** The names of the mutations and the framing, separated by commas; `valid` for a request without either. */
  readonly fault: string
  /** The members of the body as sent, if the body is a JSON object. */
  readonly members: ReadonlyArray<Member> | undefined
  /** How the body is sent: with its length, in chunks with extensions, or with a wrong length. */
  readonly framing: "length" | "chunks" | "too short" | "too long"
}

const join = (members: ReadonlyArray<Member>) => `{${members.map(([key, value]) => `${key}:${value}`).join(",")}}`

const pathOf = (endpoint: Endpoint, target: Target, random: Random): string => {
  if (endpoint === "track") return "/v1/public/analytics/track"
  if (endpoint === "submit") return "/v1/public/forms/submit"
  const id = random.chance(0.9)
    ? target.instanceId
    : random.pick(["x", "%00", "..%2f..", "%ff", "a".repeat(4_000), target.websiteConfigId, "%7B%7D", "🙂"])
  return `/v1/public/widget/${encodeURI(id).replaceAll("%25", "%")}/chat`
}

/** The next request. Almost half of the requests are valid. */
export const make = (random: Random, target: Target, mark: string): Request => {
  const endpoint = random.pick(["track", "submit", "submit", "track", "chat"] as const)
  const { properties, required = [] } = modelOf[endpoint]
  const id = endpoint === "track" ? target.trackingToken : target.websiteConfigId
  let members: ReadonlyArray<Member> = Object.entries(properties)
    .filter(([name]) => required.includes(name) || random.chance(0.6))
    .map(([name, shape]) => [JSON.stringify(name), validJson(shape, random, id)] as const)
  // Marks the page view, so that its row can be found.
  if (endpoint === "track")
    members = [...members.filter(([key]) => key !== '"session_id"'), ['"session_id"', JSON.stringify(mark)]]
  const faults: Array<string> = []
  let headers: Array<readonly [string, string]> = [["Content-Type", "application/json"]]
  if (endpoint === "chat") headers.push(["X-Widget-Token", target.widgetToken])

  if (random.chance(0.35)) {
    const name = random.pick(Object.keys(changes))
    faults.push(name)
    members = changes[name]!(members, random)
  }
  let body: Buffer<ArrayBufferLike> = Buffer.from(join(members))
  let sentMembers: ReadonlyArray<Member> | undefined = members
  if (random.chance(0.12)) {
    const name = random.pick(Object.keys(byteChanges))
    faults.push(name)
    body = byteChanges[name]!(body, random)
    sentMembers = undefined
  }
  if (random.chance(0.15)) {
    const name = random.pick(Object.keys(headerChanges))
    faults.push(name)
    const added = headerChanges[name]!(random)
    const names = added.map(([header]) => header)
    headers = [...headers.filter(([header]) => !names.includes(header)), ...added]
  }
  const framing = random.chance(0.9) ? "length" : random.pick(["chunks", "chunks", "too short", "too long"] as const)
  if (framing !== "length") faults.push(framing)
  return {
    endpoint,
    path: pathOf(endpoint, target, random),
    headers,
    body,
    fault: faults.length === 0 ? "valid" : faults.join(", "),
    members: sentMembers,
    framing
  }
}
