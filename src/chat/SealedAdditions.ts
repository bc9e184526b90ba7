/**
 * Encrypts what an instance adds to the requests of its agent, because it may hold secrets. Only the names stay readable. Pure: the nonce is
 * an argument.
 *
 * @module
 */
import { Option, Predicate } from "effect"
import * as Sealing from "../platform/secrets/Sealing.ts"
import type { Additions } from "./Instance.ts"

export type Kind = "body" | "headers"

/** The context of `Sealing`, so that an addition can be opened only as what it is, for its instance. */
const contextOf = (instanceId: string, kind: Kind): string => `${instanceId} ${kind}`

/** @param nonce as for `Sealing.seal` */
export const seal = (
  key: Uint8Array,
  nonce: Uint8Array,
  instanceId: string,
  kind: Kind,
  values: Readonly<Record<string, unknown>>
): Additions => ({
  names: Object.keys(values),
  sealed: Sealing.seal(key, nonce, contextOf(instanceId, kind), JSON.stringify(values))
})

/** The values by their names; none if they were encrypted with another key. */
export const open = (
  key: Uint8Array,
  instanceId: string,
  kind: Kind,
  { sealed }: Additions
): Option.Option<Readonly<Record<string, unknown>>> =>
  Option.flatMap(Sealing.open(key, contextOf(instanceId, kind), sealed), (text) => {
    const values: unknown = JSON.parse(text)
    return Predicate.isObject(values) ? Option.some(values) : Option.none()
  })
