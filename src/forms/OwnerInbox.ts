/**
 * Submissions for the owner API: only of websites that the caller is authorized for.
 *
 * @module
 */
import { Context, Effect, Layer, type Option, type Stream } from "effect"
import type { StorageUnavailable } from "../platform/Storage.ts"
import type { Position } from "../platform/text/Cursor.ts"
import type { AuthorizedSite } from "../sites/access/Access.ts"
import { type Refused, SiteSlots } from "../sites/access/SiteSlots.ts"
import { Inbox } from "./Inbox.ts"
import type { Filter, Message, Overview, Page, Summary } from "./InboxMessage.ts"

type Ids = ReadonlyArray<string>
type Failure = StorageUnavailable | Refused

export class OwnerInbox extends Context.Service<
  OwnerInbox,
  {
    readonly list: (
      proof: AuthorizedSite<"read">,
      query: { readonly filter: Filter; readonly after: Position | null; readonly limit: number }
    ) => Effect.Effect<Page<Summary>, Failure>
    readonly find: (
      proof: AuthorizedSite<"read">,
      submissionId: string
    ) => Effect.Effect<Option.Option<Message>, Failure>
    readonly stream: (proof: AuthorizedSite<"read">, filter: Filter) => Stream.Stream<Message, StorageUnavailable>
    readonly overview: (proof: AuthorizedSite<"read">) => Effect.Effect<Overview, Failure>
    readonly mark: (proof: AuthorizedSite<"write">, ids: Ids, isRead: boolean) => Effect.Effect<Ids, StorageUnavailable>
    readonly release: (proof: AuthorizedSite<"write">, ids: Ids) => Effect.Effect<Ids, Failure>
    readonly delete: (proof: AuthorizedSite<"write">, ids: Ids) => Effect.Effect<Ids, Failure>
  }
>()("hydracore/forms/OwnerInbox") {}

export const layer: Layer.Layer<OwnerInbox, never, Inbox | SiteSlots> = Layer.effect(
  OwnerInbox,
  Effect.gen(function* () {
    const inbox = yield* Inbox
    const { lists } = yield* SiteSlots
    return {
      list: ({ site: { websiteConfigId } }, query) =>
        lists.run(websiteConfigId, inbox.list({ websiteConfigId, ...query })),
      find: ({ site: { websiteConfigId } }, submissionId) =>
        lists.run(websiteConfigId, inbox.find(websiteConfigId, submissionId)),
      stream: ({ site }, filter) => inbox.stream(site.websiteConfigId, filter),
      overview: ({ site: { websiteConfigId } }) => lists.run(websiteConfigId, inbox.overview(websiteConfigId)),
      mark: ({ site }, ids, isRead) => inbox.mark(site.websiteConfigId, ids, isRead),
      release: ({ site: { websiteConfigId } }, ids) => lists.run(websiteConfigId, inbox.release(websiteConfigId, ids)),
      delete: ({ site: { websiteConfigId } }, ids) => lists.run(websiteConfigId, inbox.delete(websiteConfigId, ids))
    }
  })
)
