/**
 * Diagnoses a separate store of page views from the facts that were collected about it. Pure.
 *
 * @module
 */

import { isLoopback } from "../../platform/http/Host.ts"
import { hydracore } from "../../platform/text/CommandName.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import { type Finding, ofRows, ok } from "./Finding.ts"

export type AnalyticsFacts =
  /** The store could not be queried. `code` is that of `codeOf`, and `reason` that of `StorageUnavailable`. */
  | { readonly _tag: "Unavailable"; readonly code: string; readonly reason?: string }
  | {
      readonly _tag: "Reached"
      /** Scheme, host and port. */
      readonly url: string
      readonly version: string
      readonly roundTripMillis: number
      readonly isMigrated: boolean
      /** The tables that the user may not write, and the system tables that deletions read and the user may not read. */
      readonly denied: ReadonlyArray<string>
    }

/** The oldest version of ClickHouse with everything that the service uses. */
export const oldestVersion = "24.8"

const isOlder = (version: string, than: string): boolean => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  const [thanMajor = 0, thanMinor = 0] = than.split(".").map(Number)
  return major < thanMajor || (major === thanMajor && minor < thanMinor)
}

const grants =
  "Grant the user in ANALYTICS_URL all rights on its database, and SELECT on system.mutations and system.parts."

const advice: Readonly<Record<string, string>> = {
  AUTHENTICATION_FAILED: "Check the user and the password in ANALYTICS_URL.",
  UNKNOWN_DATABASE: "Create the database that ANALYTICS_URL names: CREATE DATABASE <name>.",
  ACCESS_DENIED: grants,
  timeout: "Check that ClickHouse runs, and that no firewall drops the connection."
}

/** The maximum number of characters that are shown of an error without a code, such as the page of a proxy. */
const maxMessage = 200

/** What names an error of the store: the code of ClickHouse or the system, else the beginning of its message, else `reason`. */
export const codeOf = ({
  cause,
  code,
  reason
}: {
  readonly reason: string
  readonly code?: string | undefined
  readonly cause?: unknown
}): string => {
  if (code !== undefined) return code
  const message = cause instanceof Error ? cause.message.trim().split("\n", 1)[0] : undefined
  return message ? TerminalText.truncate(TerminalText.printable(message), maxMessage) : reason
}

/** What to do about a store that cannot be used. `reason` is that of `StorageUnavailable`. */
export const adviceFor = (code: string, reason?: string): string =>
  advice[code] ??
  (reason === "failed"
    ? "ClickHouse answered with this error; its log has more."
    : "Check that ClickHouse runs, and that ANALYTICS_URL names the port of its HTTP interface.")

/** The findings in the order in which to fix them; none without a separate store. */
export const ofAnalytics = (facts: AnalyticsFacts | null): ReadonlyArray<Finding> => {
  if (facts === null) return []
  if (facts._tag === "Unavailable") {
    const finding = `ClickHouse cannot be used (${facts.code}): requests with page views or events, and for statistics, get a 503.`
    return [{ check: "analytics", severity: "problem", finding, advice: adviceFor(facts.code, facts.reason) }]
  }
  const { denied, isMigrated, roundTripMillis, url, version } = facts
  return ofRows(ok("analytics", `ClickHouse ${version} answered in ${roundTripMillis} ms.`), [
    [
      isOlder(version, oldestVersion),
      "problem",
      "analytics",
      `ClickHouse ${version} is too old.`,
      `Install ClickHouse ${oldestVersion} or newer.`
    ],
    [
      !isLoopback(new URL(url).hostname) && !url.startsWith("https:"),
      "warning",
      "analytics",
      "ClickHouse is on another machine and the connection does not use TLS: page views can be read on the network.",
      "Write clickhouses:// in ANALYTICS_URL; if your own CA signed the server's certificate, set NODE_EXTRA_CA_CERTS to the CA's file."
    ],
    [!isMigrated, "problem", "analytics", "ClickHouse lacks a migration.", `Run \`${hydracore} migrate\`.`],
    [
      denied.length > 0,
      "problem",
      "analytics",
      `ClickHouse's user may not use ${denied.join(", ")}: what is received is not stored, or not deleted.`,
      grants
    ]
  ])
}
