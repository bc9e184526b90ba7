/**
 * Texts of shared dashboards. Their readers are guests: they cannot change anything, and do not know the console.
 *
 * @module
 */
import type { FailureKind } from "../Requests.ts"

export const shared = {
  title: "Shared statistics",
  unavailable: "This dashboard is no longer shared",
  unavailableBody: "Its address has expired, was revoked, or is incomplete. Ask the website’s owner for another one.",
  locked: "This dashboard has a password",
  password: "Password",
  unlock: "Show the statistics",
  wrong: "This password is wrong. Ask the person who sent you the address.",
  guessed: "Too many attempts. Try again in an hour.",
  note: "To protect visitors, <5 stands for a count from 1 to 4 (with a filter, also for 0), and other counts are rounded to multiples of 5. Lists leave out what has fewer than five visitors. All numbers change at most once an hour."
} as const

/** What a guest can do about a failure. */
export const guestFailures: Readonly<Record<FailureKind, string>> = {
  offline: "There is no connection to the service. This page tries again automatically.",
  unavailable: "The service cannot answer now. This page tries again automatically.",
  "too-many": "This page has sent more requests than the service allows. It continues in a moment.",
  "signed-out": shared.unavailableBody,
  locked: shared.locked,
  "not-found": shared.unavailableBody,
  invalid: "The service does not understand this address. Remove the filter, or open the address that you were sent.",
  conflict: "This has changed meanwhile. Load the page again.",
  "too-slow": "This takes longer than the service allows. Choose fewer days, or remove the filter.",
  defect: "The service has failed. Try again; if it fails again, tell the website’s owner."
}
