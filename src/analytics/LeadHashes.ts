/**
 * The visitor hashes of a lead: those with which page views of the same browser are stored (see `analytics/Lead`).
 *
 * @module
 */
import { Effect } from "effect"
import type { RequestHead } from "../platform/contract/Received.ts"
import type { Site } from "../sites/Site.ts"
import * as PageView from "./PageView.ts"
import { daysOfLead, VisitorSalts } from "./VisitorSalts.ts"

/**
 * Whether a request may be a lead: a browser sent it, and the form or the chat has no `data-leads="off"`. Browsers name the page's
 * origin with every POST. A program of the website's owner does not, and its address is not the visitor's.
 */
export const isAllowed = ({ headers }: Pick<RequestHead, "headers">): boolean =>
  headers["origin"] !== undefined && headers["x-hydracore-leads"] !== "off"

/**
 * Makes the function that returns the hashes of a request from a browser at a time (milliseconds since 1970). Without a salt
 * there are none: a submission is worth more than its credit.
 */
export const make = Effect.map(
  VisitorSalts,
  (salts) =>
    (
      head: Pick<RequestHead, "address" | "headers">,
      { hostedWebsiteId, timeZone }: Pick<Site, "hostedWebsiteId" | "timeZone">,
      now: number
    ): Effect.Effect<ReadonlyArray<string>> => {
      const userAgent = PageView.readUserAgent(head.headers["user-agent"])
      return Effect.forEach(daysOfLead(timeZone, now), (day) =>
        Effect.map(salts.of(day), (salt) =>
          PageView.visitorHash({ hostedWebsiteId, address: head.address, userAgent, salt })
        )
      ).pipe(Effect.orElseSucceed(() => []))
    }
)
