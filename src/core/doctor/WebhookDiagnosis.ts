/**
 * Diagnoses whether the webhooks' secrets can be decrypted. Pure: callers collect the facts.
 *
 * @module
 */
import { type Finding, ok, problem } from "./Finding.ts"

export interface WebhookFacts {
  readonly total: number
  /** How many have a secret that `SECRETS_KEY` does not decrypt; null without `SECRETS_KEY`. */
  readonly locked: number | null
}

/** @param facts null if the webhooks could not be read */
export const ofWebhooks = (facts: WebhookFacts | null): ReadonlyArray<Finding> => {
  if (facts === null || facts.total === 0) return []
  if (facts.locked === null) {
    return [
      problem(
        "webhooks",
        `SECRETS_KEY is not set: deliveries to webhooks wait, and there are webhooks (${facts.total}).`,
        "Set SECRETS_KEY to the key with which the webhooks were created."
      )
    ]
  }
  return facts.locked === 0
    ? [ok("webhooks", "SECRETS_KEY decrypts the secrets of all webhooks.")]
    : [
        problem(
          "webhooks",
          `SECRETS_KEY does not decrypt the secrets of some webhooks (${facts.locked} of ${facts.total}): nothing is sent to them.`,
          "Set SECRETS_KEY to the key with which they were created; if it is lost, delete these webhooks and create them again."
        )
      ]
}
