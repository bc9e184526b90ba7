/**
 * The message of a failure, for the person whose request failed. Pure.
 *
 * @module
 */

import { until } from "../Format.ts"
import type { Failure } from "../Requests.ts"
import * as Texts from "../Texts.ts"

/** What is wrong with a member of the body, as a sentence. */
export const faultOf = (failure: Failure | undefined, member: string): string | undefined => {
  const fault = failure?.faults.find(({ place }) => place === member || place.startsWith(`${member}.`))
  return fault && Texts.sentence(fault.text)
}

/** The message of a failure, without the faults of `members`, which the form shows at its fields. */
export const messageOf = (failure: Failure | undefined, members: ReadonlyArray<string> = []): string | undefined => {
  if (failure === undefined) return undefined
  if (failure.kind === "too-many" && failure.retryAfter !== undefined) return Texts.tooMany(until(failure.retryAfter))
  if (failure.kind === "not-found") return Texts.gone
  if (failure.faults.length === 0) return Texts.failures[failure.kind]
  const others = failure.faults.filter(({ place }) => !members.some((name) => place.split(".")[0] === name))
  return others.length === 0 ? undefined : others.map(({ text }) => Texts.sentence(text)).join(" ")
}
