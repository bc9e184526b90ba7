/**
 * Submissions for the owner API: only of websites that the caller is authorized for.
 *
 * @module
 */
import { Context, Effect, Layer, type Option, type Stream } from "effect"
import type { Filter, Message, Overview, Page, Summary } from "../../../core/forms/Inbox.ts"
import type { AuthorizedSite } from "../../../core/sites/Access.ts"
import type { Position } from "../../../core/text/Cursor.ts"
import { Inbox } from "../../../services/forms/Inbox.ts"
import type { StorageUnavailable } from "../../../services/Storage.ts"

type Ids = ReadonlyArray<string>

export class OwnerInbox extends Context.Service<
  OwnerInbox,
  {
    readonly list: (
      proof: AuthorizedSite<"read">,
      query: { readonly filter: Filter; readonly after: Position | null; readonly limit: number }
    ) => Effect.Effect<Page<Summary>, StorageUnavailable>
    readonly find: (
      proof: AuthorizedSite<"read">,
      submissionId: string
    ) => Effect.Effect<Option.Option<Message>, StorageUnavailable>
    readonly stream: (proof: AuthorizedSite<"read">, filter: Filter) => Stream.Stream<Message, StorageUnavailable>
    readonly overview: (proof: AuthorizedSite<"read">) => Effect.Effect<Overview, StorageUnavailable>
    readonly mark: (proof: AuthorizedSite<"write">, ids: Ids, isRead: boolean) => Effect.Effect<Ids, StorageUnavailable>
    readonly release: (proof: AuthorizedSite<"write">, ids: Ids) => Effect.Effect<Ids, StorageUnavailable>
    readonly delete: (proof: AuthorizedSite<"write">, ids: Ids) => Effect.Effect<Ids, StorageUnavailable>
  }
>()("hydracore/http/owner/access/OwnerInbox") {}

export const layer: Layer.Layer<OwnerInbox, never, Inbox> = Layer.effect(
  OwnerInbox,
  Effect.map(Inbox, (inbox) => ({
    list: ({ site: { websiteConfigId } }, query) => inbox.list({ websiteConfigId, ...query }),
    find: ({ site }, submissionId) => inbox.find(site.websiteConfigId, submissionId),
    stream: ({ site }, filter) => inbox.stream(site.websiteConfigId, filter),
    overview: ({ site }) => inbox.overview(site.websiteConfigId),
    mark: ({ site }, ids, isRead) => inbox.mark(site.websiteConfigId, ids, isRead),
    release: ({ site }, ids) => inbox.release(site.websiteConfigId, ids),
    delete: ({ site }, ids) => inbox.delete(site.websiteConfigId, ids)
  }))
)
