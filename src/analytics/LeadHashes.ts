/**
 * The visitor hashes of a lead: those with which page views of the same browser are stored (see `analytics/Lead`). Also stores the
 * leads of chats whose conversations are not stored.
 *
 * @module
 */
import { Clock, Effect, FiberSet, Option } from "effect"
import type { RequestHead } from "../platform/contract/Received.ts"
import type { InstanceId, WebsiteConfigId } from "../platform/Id.ts"
import type { Site } from "../sites/Site.ts"
import { SiteDirectory } from "../sites/SiteDirectory.ts"
import { Leads } from "./Leads.ts"
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

/** The hashes of the visitor whose visit is credited with a chat; none if the chat is no lead. */
export type OfChat = Effect.Effect<ReadonlyArray<string>>

export const none: OfChat = Effect.succeed([])

/** Makes the functions for the leads of chats. */
export const makeOfChats = Effect.gen(function* () {
  const { addChat } = yield* Leads
  const { byWebsiteConfigId } = yield* SiteDirectory
  const hashesOf = yield* make
  const clock = yield* Clock.Clock
  const fork = yield* FiberSet.makeRuntime()
  return {
    /** Of a chat that begins on a website, in a browser whose page does not forbid it. */
    hashesOf: (head: RequestHead, websiteConfigId: WebsiteConfigId | null): OfChat =>
      websiteConfigId === null || !isAllowed(head)
        ? none
        : byWebsiteConfigId(websiteConfigId).pipe(
            Effect.flatMap(
              Option.match({
                onNone: () => none,
                onSome: (site) => hashesOf(head, site, clock.currentTimeMillisUnsafe())
              })
            ),
            Effect.orElseSucceed(() => [])
          ),
    /**
     * Stores the lead of a chat whose conversation is not stored. The visitor does not wait: the lead is lost if the process or
     * the database fails within the milliseconds that this takes.
     */
    add: (instanceId: InstanceId, visitorHashes: OfChat): void => {
      const receivedAt = clock.currentTimeMillisUnsafe()
      fork(
        Effect.flatMap(visitorHashes, (hashes) =>
          hashes.length === 0 ? Effect.void : Effect.ignore(addChat({ instanceId, visitorHashes: hashes, receivedAt }))
        )
      )
    }
  }
})
