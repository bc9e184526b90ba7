/**
 * Hides from owners the webhooks that only the operator can set: those outside the public internet. Pure.
 *
 * @module
 */
import { Option } from "effect"
import * as AddressGuard from "../platform/outward/AddressGuard.ts"
import type { DeliveryDetails } from "./Delivery.ts"
import type { AttemptResult, StoredWebhook, Webhook } from "./Webhook.ts"

/** Why only the operator may send events to a URL; none if an owner may, or if the lookup of its name decides. */
export const refusalOf = (
  operatorsHosts: ReadonlyArray<AddressGuard.AllowedHost>,
  url: string
): Option.Option<string> => {
  const target = AddressGuard.targetOf(new URL(url))
  return Option.orElse(AddressGuard.refusalOf([], target), () =>
    AddressGuard.isAllowed(operatorsHosts, target) ? Option.some(AddressGuard.notFound(target.host)) : Option.none()
  )
}

export const isOperators = (
  operatorsHosts: ReadonlyArray<AddressGuard.AllowedHost>,
  { url }: Pick<StoredWebhook, "url">
): boolean => Option.isSome(refusalOf(operatorsHosts, url))

/** A webhook as an owner sees it. */
export const shown = (operatorsHosts: ReadonlyArray<AddressGuard.AllowedHost>, webhook: StoredWebhook): Webhook =>
  isOperators(operatorsHosts, webhook) ? { ...webhook, url: null, host: null } : webhook

/** `isOperators` for the host of a URL with its port, if the URL names one. */
export const isOperatorsHost = (operatorsHosts: ReadonlyArray<AddressGuard.AllowedHost>, host: string): boolean =>
  ["https", "http"].some((scheme) => isOperators(operatorsHosts, { url: `${scheme}://${host}/` }))

/** Why there was no answer, as an owner sees it: a refusal of the service says nothing about the operator's network. */
export const withoutReason = (error: string | null): string =>
  Option.getOrElse(AddressGuard.withoutHost(error ?? ""), () => "no answer")

/** Removes what a receiver in the operator's network answered, and why it did not answer. */
export const withoutAnswer = <A extends AttemptResult>(result: A): A => ({
  ...result,
  answer: null,
  error: result.status === null ? withoutReason(result.error) : null
})

/** `withoutAnswer` for every attempt. */
export const withoutAnswers = (details: DeliveryDetails): DeliveryDetails => ({
  ...details,
  history: details.history.map(withoutAnswer)
})
