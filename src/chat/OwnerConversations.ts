/**
 * Instances and conversations for the owner API: only of websites that the caller is authorized for.
 *
 * @module
 */
import { Context, Effect, Layer, type Stream } from "effect"
import type { StorageUnavailable } from "../platform/Storage.ts"
import type { Position } from "../platform/text/Cursor.ts"
import type { AuthorizedSite } from "../sites/access/Access.ts"
import * as Errors from "../sites/access/Errors.ts"
import { type Refused, SiteSlots } from "../sites/access/SiteSlots.ts"
import { ConversationStore } from "./ConversationStore.ts"
import type { AnswerHealth } from "./conversations/AnswerHealth.ts"
import type { Conversation } from "./conversations/Conversation.ts"
import type { Filter, Page } from "./conversations/Transcript.ts"
import type { Instance } from "./Instance.ts"
import { InstanceDirectory } from "./InstanceDirectory.ts"
import * as SiteInstance from "./SiteInstance.ts"
import { Transcripts } from "./Transcripts.ts"

type NotFound = (typeof Errors.NotFound)["Type"]
type Failure = NotFound | StorageUnavailable | Refused

export class OwnerConversations extends Context.Service<
  OwnerConversations,
  {
    /** The instances that serve the website, oldest first. */
    readonly instances: (proof: AuthorizedSite<"read">) => Effect.Effect<ReadonlyArray<Instance>, StorageUnavailable>
    readonly answerHealth: (proof: AuthorizedSite<"read">, instanceId: string) => Effect.Effect<AnswerHealth, Failure>
    readonly list: (
      proof: AuthorizedSite<"read">,
      instanceId: string,
      query: { readonly filter: Filter; readonly after: Position | null; readonly limit: number }
    ) => Effect.Effect<Page, Failure>
    readonly find: (
      proof: AuthorizedSite<"read">,
      instanceId: string,
      conversationId: string
    ) => Effect.Effect<Conversation, Failure>
    readonly stream: (
      proof: AuthorizedSite<"read">,
      instanceId: string,
      filter: Filter
    ) => Effect.Effect<Stream.Stream<Conversation, StorageUnavailable>, Failure>
    readonly delete: (
      proof: AuthorizedSite<"write">,
      instanceId: string,
      conversationId: string
    ) => Effect.Effect<void, Failure>
  }
>()("hydracore/chat/OwnerConversations") {}

const noConversation = Errors.make(
  "NotFound",
  "This instance keeps no such conversation. The conversation may have been deleted, or its retention has ended."
)

export const layer: Layer.Layer<
  OwnerConversations,
  never,
  InstanceDirectory | Transcripts | ConversationStore | SiteSlots
> = Layer.effect(
  OwnerConversations,
  Effect.gen(function* () {
    const directory = yield* InstanceDirectory
    const transcripts = yield* Transcripts
    const store = yield* ConversationStore
    const { lists } = yield* SiteSlots

    const requireInstance = SiteInstance.require(directory)

    return {
      instances: ({ site }) =>
        Effect.map(directory.list, (instances) =>
          instances.filter(({ websiteConfigId }) => websiteConfigId === site.websiteConfigId)
        ),
      answerHealth: (proof, instanceId) =>
        Effect.andThen(
          requireInstance(proof, instanceId),
          lists.run(proof.site.websiteConfigId, transcripts.answerHealth(instanceId))
        ),
      list: (proof, instanceId, query) =>
        Effect.andThen(
          requireInstance(proof, instanceId),
          lists.run(proof.site.websiteConfigId, transcripts.list({ instanceId, ...query }))
        ),
      find: Effect.fnUntraced(function* (proof, instanceId, conversationId) {
        yield* requireInstance(proof, instanceId)
        const found = yield* lists.run(proof.site.websiteConfigId, transcripts.find({ instanceId, conversationId }))
        return yield* Effect.fromOption(found, () => noConversation)
      }),
      stream: (proof, instanceId, filter) =>
        Effect.as(requireInstance(proof, instanceId), transcripts.stream({ instanceId, filter })),
      delete: Effect.fnUntraced(function* (proof, instanceId, conversationId) {
        yield* requireInstance(proof, instanceId)
        if (!(yield* store.delete({ instanceId, conversationId }))) return yield* Effect.fail(noConversation)
      })
    }
  })
)
