/**
 * Credits a visit with the chat that begins in it (see `analytics/Leads`).
 *
 * @module
 */
import { Clock, Effect, FiberSet, Option } from "effect"
import * as LeadHashes from "../analytics/LeadHashes.ts"
import { Leads } from "../analytics/Leads.ts"
import type { RequestHead } from "../platform/http/RequestHead.ts"
import { SiteDirectory } from "../sites/SiteDirectory.ts"
import type { Instance } from "./Instance.ts"
import * as Question from "./Question.ts"

/** The hashes of the visitor whose visit is credited with a chat; none if the chat is no lead. */
export type VisitorHashes = Effect.Effect<ReadonlyArray<string>>

const none: ReadonlyArray<string> = []

export const make = Effect.gen(function* () {
  const { addChat } = yield* Leads
  const { byWebsiteConfigId } = yield* SiteDirectory
  const hashesOf = yield* LeadHashes.make
  const clock = yield* Clock.Clock
  const fork = yield* FiberSet.makeRuntime()
  return {
    /** A question is a lead if it begins a conversation on a website, in a browser whose page does not forbid it. */
    hashesOf: (head: RequestHead, question: Question.Question, { websiteConfigId }: Instance): VisitorHashes =>
      websiteConfigId === null || !Question.isFirst(question) || !LeadHashes.isAllowed(head)
        ? Effect.succeed(none)
        : byWebsiteConfigId(websiteConfigId).pipe(
            Effect.flatMap(
              Option.match({
                onNone: () => Effect.succeed(none),
                onSome: (site) => hashesOf(head, site, clock.currentTimeMillisUnsafe())
              })
            ),
            Effect.orElseSucceed(() => none)
          ),
    /**
     * Stores the lead of a chat whose conversation is not stored. The visitor does not wait: the lead is lost if the process or
     * the database fails within the milliseconds that this takes.
     */
    add: (instanceId: string, visitorHashes: VisitorHashes): void => {
      const receivedAt = clock.currentTimeMillisUnsafe()
      fork(
        Effect.flatMap(visitorHashes, (hashes) =>
          hashes.length === 0 ? Effect.void : Effect.ignore(addChat({ instanceId, visitorHashes: hashes, receivedAt }))
        )
      )
    }
  }
})
