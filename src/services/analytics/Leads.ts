/**
 * Credits visits with leads. The interface only; see `memory/analytics/Leads` and `postgres/analytics/Leads`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { StorageUnavailable } from "../Storage.ts"

/** What happened to the pending leads in one pass. */
export interface Matched {
  /** Leads whose visit was found. */
  readonly matched: number
  /** Leads without a visit, which were dropped after `Lead.maxWaitMillis`. */
  readonly dropped: number
}

export class Leads extends Context.Service<
  Leads,
  {
    /**
     * Stores that a chat began of which nothing else is stored, until `match` credits a visit with it. Does nothing for an
     * instance without a website. (The leads of submissions are stored by `SubmissionRepo.submit`, and those of stored
     * conversations by `ConversationStore.begin`.)
     */
    readonly addChat: (chat: {
      readonly instanceId: string
      /** The tracker's session, as a page view stores it. */
      readonly sessionId: string
      /** Milliseconds since 1970. */
      readonly receivedAt: number
    }) => Effect.Effect<void, StorageUnavailable>
    /**
     * Looks for the visits of the pending leads. A lead whose visit is found becomes a conversion, a submission gets its
     * visit's attribution, and the pending lead is deleted, all at once. A quarantined submission gets the attribution, but
     * becomes no conversion. Processes that run it at the same time do each lead once.
     */
    readonly match: Effect.Effect<Matched, StorageUnavailable>
  }
>()("hydracore/services/Leads") {}
