/**
 * Declares what an endpoint of the owner API requires of its caller. `.middleware(Authorized.inbox.read)` refuses other callers
 * before the path and the body are decoded, and provides the proof, which the endpoint's handler gets with
 * `yield* Authorized.inbox.read.proof`. A handler of an endpoint that does not declare it does not compile.
 * `sites/access/AuthorizedHttp.ts` implements the checks.
 *
 * @module
 */
import { Context } from "effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Maximums from "../Maximums.ts"
import * as Access from "./Access.ts"
import type { Caller } from "./AuthenticationApi.ts"
import * as Errors from "./Errors.ts"

const error = [Errors.NotFound, Errors.ServiceUnavailable] as const

/** Requires a right for the website that `:site_id` in the path names. */
const ofSite = <const C extends Access.Capability, const M extends Access.Mode>(capability: C, mode: M) => {
  const id = `hydracore/sites/access/Authorized/${capability}/${mode}` as const
  class Proof extends Context.Service<Proof, Access.AuthorizedSite<`${C}:${M}`>>()(`${id}/Proof` as const) {}
  return class Authorized extends HttpApiMiddleware.Service<Authorized, { requires: Caller; provides: Proof }>()(id, {
    error
  }) {
    static readonly proof = Proof
    static readonly capability = capability
    static readonly mode = mode
  }
}

/** Requires a right of an endpoint whose path names no website. */
const ofCaller = <const C extends Access.Capability, const M extends Access.Mode>(capability: C, mode: M) => {
  const id = `hydracore/sites/access/Authorized/caller/${capability}/${mode}` as const
  return class Permitted extends HttpApiMiddleware.Service<Permitted, { requires: Caller }>()(id, { error }) {
    static readonly capability = capability
    static readonly mode = mode
  }
}

export type OfSite<C extends Access.Capability, M extends Access.Mode> = ReturnType<typeof ofSite<C, M>>

export type OfCaller<C extends Access.Capability, M extends Access.Mode> = ReturnType<typeof ofCaller<C, M>>

export const stats = { read: ofSite("stats", "read") } as const

export const inbox = { read: ofSite("inbox", "read"), change: ofSite("inbox", "change") } as const

export const settings = { read: ofSite("settings", "read"), change: ofSite("settings", "change") } as const

export const admin = { read: ofSite("admin", "read"), change: ofSite("admin", "change") } as const

/** For endpoints whose path names no website. */
export const caller = {
  stats: { read: ofCaller("stats", "read") },
  inbox: { read: ofCaller("inbox", "read") },
  settings: { change: ofCaller("settings", "change") },
  admin: { read: ofCaller("admin", "read"), change: ofCaller("admin", "change") }
} as const

/** What an endpoint that declares one of these requires. */
export interface Required {
  readonly capability: Access.Capability
  readonly mode: Access.Mode
}

const all: ReadonlyMap<string, Required> = new Map(
  [stats, inbox, settings, admin, caller.stats, caller.inbox, caller.settings, caller.admin]
    .flatMap((modes) => Object.values(modes))
    .map((middleware) => [middleware.key, middleware])
)

/** What an endpoint requires; undefined if it does not declare it. */
export const requiredBy = ({ middlewares }: { readonly middlewares: ReadonlySet<{ readonly key: string }> }) => {
  for (const { key } of middlewares) {
    const required = all.get(key)
    if (required !== undefined) return required
  }
  return undefined
}

/** The sentences of the document that say which people and which keys may call an endpoint. */
export const sentence = ({ capability, mode }: Required): string =>
  `Role \`${Access.roleFor(capability, mode)}\`. Scope \`${Access.scopeFor(capability, mode)}\`.`

/** The annotations of an endpoint, whose description also names the maximums of what it creates. */
export const operation = ({
  description,
  maximums,
  ...documented
}: {
  readonly description: string
  readonly maximums?: ReadonlyArray<Maximums.Maximum>
} & Parameters<typeof OpenApi.annotations>[0]) =>
  OpenApi.annotations({
    ...documented,
    description: maximums === undefined ? description : `${description} ${Maximums.description(maximums)}`
  })
