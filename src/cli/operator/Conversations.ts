/**
 * Conversations, as the operator reads them: of instances of all websites and of none, and by the id that a client made.
 *
 * @module
 */
import { Effect, Option, Schema } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { ConversationStore } from "../../chat/ConversationStore.ts"
import type { ConversationKey } from "../../chat/conversations/Conversation.ts"
import * as Transcript from "../../chat/conversations/Transcript.ts"
import { InstanceDirectory } from "../../chat/InstanceDirectory.ts"
import * as OwnerConversations from "../../chat/OwnerConversationsApi.ts"
import * as ConversationHandlers from "../../chat/OwnerConversationsHttp.ts"
import * as Question from "../../chat/Question.ts"
import { Transcripts } from "../../chat/Transcripts.ts"
import { ConversationId, type InstanceId } from "../../platform/Id.ts"
import * as Cursor from "../../platform/text/Cursor.ts"
import * as Fields from "../../sites/access/Fields.ts"
import { SiteSlots } from "../../sites/access/SiteSlots.ts"
import * as Instances from "./Instances.ts"
import * as Operations from "./Operations.ts"

const base = "/operator/instances/:instance_id/conversations"

/** The id of a conversation, or the one that its client made. */
const ofConversation = { ...Instances.ofInstance, conversation_id: Schema.String }

const list = HttpApiEndpoint.get("list", base, {
  params: Instances.ofInstance,
  query: OwnerConversations.listQuery,
  success: OwnerConversations.ConversationList,
  error: Operations.failures
})

const read = HttpApiEndpoint.get("read", `${base}/:conversation_id`, {
  params: ofConversation,
  success: Transcript.Transcript,
  error: Operations.failures
})

const exportAll = HttpApiEndpoint.get("export", "/operator/instances/:instance_id/export", {
  params: Instances.ofInstance,
  query: OwnerConversations.filter,
  success: OwnerConversations.exportedConversations,
  error: Operations.failures
})

const remove = HttpApiEndpoint.delete("delete", `${base}/:conversation_id`, {
  params: ofConversation,
  success: HttpApiSchema.NoContent,
  error: Operations.failures
})

export const Api = Operations.api(HttpApiGroup.make("conversations").add(list, read, exportAll, remove))

export const layer = HttpApiBuilder.group(
  Api,
  "conversations",
  Effect.fnUntraced(function* (handlers) {
    const directory = yield* InstanceDirectory
    const store = yield* ConversationStore
    const transcripts = yield* Transcripts
    const { exports } = yield* SiteSlots
    const requireInstance = (instanceId: InstanceId) =>
      Effect.flatMap(
        directory.read("all", instanceId),
        Effect.fromOption(() => Instances.notFound)
      )
    /** The keys under which a conversation may be stored: its id, or the hash of an id that a client made. */
    const keysOf = (instanceId: InstanceId, id: string) =>
      Effect.map(
        store.hashKey,
        (hashKey): ReadonlyArray<ConversationKey> =>
          [id, Question.ofClientId(hashKey, instanceId, id)]
            .filter(Schema.is(ConversationId))
            .map((conversationId) => ({ instanceId, conversationId }))
      )
    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* ({ params: { instance_id: instanceId }, query }) {
          yield* requireInstance(instanceId)
          const { cursor, limit = Fields.defaultLimit } = query
          const filter = Transcript.toListFilter(query, "UTC")
          const page = yield* transcripts.list({ reach: "all", instanceId, filter, after: cursor ?? null, limit })
          return { conversations: page.items, next: page.next === null ? null : Cursor.format(page.next) }
        })
      )
      .handle(
        "read",
        Effect.fnUntraced(function* ({ params }) {
          for (const key of yield* keysOf(params.instance_id, params.conversation_id)) {
            const found = yield* transcripts.find("all", key)
            if (Option.isSome(found)) return found.value
          }
          return yield* Effect.fail(ConversationHandlers.noConversation)
        })
      )
      .handle(
        "export",
        Effect.fnUntraced(function* ({ params: { instance_id: instanceId }, query }) {
          yield* requireInstance(instanceId)
          return ConversationHandlers.exportOf({ exports, transcripts })({
            reach: "all",
            instanceId,
            filter: Transcript.toFilter(query, "UTC")
          })
        })
      )
      .handle(
        "delete",
        Effect.fnUntraced(function* ({ params }) {
          const keys = yield* keysOf(params.instance_id, params.conversation_id)
          const deleted = yield* Effect.forEach(keys, (key) => store.delete("all", key))
          if (!deleted.includes(true)) return yield* Effect.fail(ConversationHandlers.noConversation)
        })
      )
  })
)
