/**
 * Provides the secret of visitor hashes, decides for which days there is one, and finds the hashes of a lead: those with which page
 * views of the same browser are stored (see `Lead`). `analytics/postgres/VisitorSalts` has the layer on PostgreSQL.
 *
 * @module
 */

import { randomBytes } from "node:crypto"
import { Clock, Context, Effect, FiberSet, Layer, Option } from "effect"
import type { RequestHead } from "../platform/contract/Received.ts"
import type { InstanceId, WebsiteConfigId } from "../platform/Id.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import { dayMillis, dayOf, hourMillis } from "../platform/text/Calendar.ts"
import type { Site } from "../sites/Site.ts"
import { SiteDirectory } from "../sites/SiteDirectory.ts"
import { Leads } from "./Lead.ts"
import * as PageView from "./PageView.ts"
import * as LocalTime from "./reports/LocalTime.ts"

export class VisitorSalts extends Context.Service<
  VisitorSalts,
  {
    /**
     * The 32 random bytes of a date, in days since 1970: the same for all processes that share the store, and for all websites.
     * A salt is deleted after the date has ended in every time zone (`lastEnded`), so that older hashes cannot be
     * recomputed. Callers ask for no such date.
     */
    readonly of: (day: number) => Effect.Effect<Uint8Array, StorageUnavailable>
  }
>()("hydracore/analytics/VisitorSalts") {}

/** How long after the beginning of a day a lead may still belong to a visit of the day before. */
const leadMillis = 2 * hourMillis

/** The days of the visit that a lead may belong to: its date, and in the first two hours of the day also the date before. */
export const daysOfLead = (timeZone: string, time: number): ReadonlyArray<number> => {
  const local = LocalTime.zone(timeZone).toLocal(time)
  const day = dayOf(local)
  return local - day * dayMillis < leadMillis ? [day, day - 1] : [day]
}

/** A date ends last in the time zone 12 hours behind UTC. Its salt is needed two hours longer, for leads. */
const endMillis = 12 * hourMillis + leadMillis

/** The latest day whose salt is not needed any more at a time. */
export const lastEnded = (time: number): number => dayOf(time - endMillis) - 1

/** The salts of dates, in the memory of this process. */
export const layerMemory: Layer.Layer<VisitorSalts> = Layer.sync(VisitorSalts, () => {
  const salts = new Map<number, Uint8Array>()
  return {
    of: (day) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        for (const known of salts.keys()) if (known <= lastEnded(now)) salts.delete(known)
        const salt = salts.get(day) ?? randomBytes(32)
        salts.set(day, salt)
        return salt
      })
  }
})

/**
 * Whether a request may be a lead: a browser sent it, and the form or the chat has no `data-leads="off"`. Browsers name the page's
 * origin with every POST. A program of the website's owner does not, and its address is not the visitor's.
 */
export const mayBeLead = ({ headers }: Pick<RequestHead, "headers">): boolean =>
  headers["origin"] !== undefined && headers["x-hydracore-leads"] !== "off"

/**
 * Makes the function that returns the visitor hashes of a request from a browser at a time (milliseconds since 1970). Without a salt
 * there are none: a submission is worth more than its credit.
 */
export const makeLeadHashes = Effect.map(
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
export type ChatHashes = Effect.Effect<ReadonlyArray<string>>

export const noHashes: ChatHashes = Effect.succeed([])

/** Makes the functions that find the hashes of chats, and store the leads of chats whose conversations are not stored. */
export const makeChatLeads = Effect.gen(function* () {
  const { addChat } = yield* Leads
  const { byWebsiteConfigId } = yield* SiteDirectory
  const hashesOf = yield* makeLeadHashes
  const clock = yield* Clock.Clock
  const fork = yield* FiberSet.makeRuntime()
  return {
    /** Of a chat that begins on a website, in a browser whose page does not forbid it. */
    hashesOf: (head: RequestHead, websiteConfigId: WebsiteConfigId | null): ChatHashes =>
      websiteConfigId === null || !mayBeLead(head)
        ? noHashes
        : byWebsiteConfigId(websiteConfigId).pipe(
            Effect.flatMap(
              Option.match({
                onNone: () => noHashes,
                onSome: (site) => hashesOf(head, site, clock.currentTimeMillisUnsafe())
              })
            ),
            Effect.orElseSucceed(() => [])
          ),
    /**
     * Stores the lead of a chat whose conversation is not stored. The visitor does not wait: the lead is lost if the process or
     * the database fails within the milliseconds that this takes.
     */
    add: (instanceId: InstanceId, visitorHashes: ChatHashes): void => {
      const receivedAt = clock.currentTimeMillisUnsafe()
      fork(
        Effect.flatMap(visitorHashes, (hashes) =>
          hashes.length === 0 ? Effect.void : Effect.ignore(addChat({ instanceId, visitorHashes: hashes, receivedAt }))
        )
      )
    }
  }
})
