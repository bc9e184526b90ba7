/**
 * Finds and deletes the records of a person. The interface only; see `privacy/postgres/Persons`.
 *
 * Nothing is indexed by address. Each call therefore reads all records of the queried kinds and websites once.
 *
 * @module
 */
import { Context, type Effect, type Stream } from "effect"
import type { WebsiteConfigId } from "../platform/Id.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import type { Erased, Kind, PersonRecord } from "./Person.ts"

export interface Query {
  /** As `Person.parse` returns it. */
  readonly address: string
  /** Only what belongs to this website; null for all websites, and for instances without a website. */
  readonly websiteConfigId: WebsiteConfigId | null
  readonly kinds: ReadonlyArray<Kind>
}

export class Persons extends Context.Service<
  Persons,
  {
    /**
     * The records of a person, in constant memory: the submissions of each website, then the conversations and notifications,
     * each oldest first. The deliveries of a record come directly after the record.
     */
    readonly records: (query: Query) => Stream.Stream<PersonRecord, StorageUnavailable>
    /**
     * Deletes these records: submissions as `SubmissionRepo.delete` does, conversations as `ConversationStore.delete`
     * does, and notifications as `Notifications.remove` does. If it is interrupted, a second call deletes the rest.
     */
    readonly erase: (query: Query) => Effect.Effect<Erased, StorageUnavailable>
  }
>()("hydracore/privacy/Persons") {}
