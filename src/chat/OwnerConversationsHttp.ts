/**
 * The endpoint that lists a website's instances, and the endpoints of their conversations.
 *
 * @module
 */
import { Effect, Stream } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Cursor from "../platform/text/Cursor.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Errors from "../sites/access/Errors.ts"
import { Exports } from "../sites/access/Exports.ts"
import * as Fields from "../sites/access/Fields.ts"
import { SiteSlots } from "../sites/access/SiteSlots.ts"
import { ConversationStore } from "./ConversationStore.ts"
import type { AnswerHealth } from "./conversations/AnswerHealth.ts"
import type { Conversation } from "./conversations/Conversation.ts"
import * as ConversationExport from "./conversations/ConversationExport.ts"
import type { TranscriptSummary } from "./conversations/Transcript.ts"
import * as Transcript from "./conversations/Transcript.ts"
import { InstanceDirectory } from "./InstanceDirectory.ts"
import * as SiteInstance from "./SiteInstance.ts"
import { Transcripts } from "./Transcripts.ts"

const healthJson = ({ answeredAt, failed, failingSince }: AnswerHealth) => ({
  answered_at: Calendar.isoOrNull(answeredAt),
  failed,
  failing_since: Calendar.isoOrNull(failingSince)
})

const summaryJson = ({ down, preview, unanswered, up, ...summary }: TranscriptSummary) => ({
  ...ConversationExport.summaryJson(summary),
  preview,
  unanswered,
  up,
  down
})

const transcriptJson = ({ conversationId, createdAt, messages, updatedAt }: Conversation) => ({
  conversation_id: conversationId,
  created_at: Calendar.iso(createdAt),
  updated_at: Calendar.iso(updatedAt),
  messages: messages.map(ConversationExport.messageJson)
})

const noConversation = Errors.make(
  "NotFound",
  "This instance keeps no such conversation. The conversation may have been deleted, or its retention has ended."
)

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "conversations",
  Effect.fnUntraced(function* (handlers) {
    const directory = yield* InstanceDirectory
    const transcripts = yield* Transcripts
    const store = yield* ConversationStore
    const exports = yield* Exports
    const { lists } = yield* SiteSlots
    const requireInstance = SiteInstance.require(directory)
    return handlers
      .handle(
        "instances",
        Effect.fnUntraced(function* () {
          const { site } = yield* Authorized.settings.read.proof
          return { instances: yield* directory.list(site.websiteConfigId) }
        })
      )
      .handle(
        "answers",
        Effect.fnUntraced(function* ({ params: { instance_id: instanceId } }) {
          const proof = yield* Authorized.settings.read.proof
          yield* requireInstance(proof.site.websiteConfigId, instanceId)
          return healthJson(yield* lists.run(proof.site.websiteConfigId, transcripts.answerHealth(instanceId)))
        })
      )
      .handle(
        "list",
        Effect.fnUntraced(function* ({ params: { instance_id: instanceId }, query }) {
          const proof = yield* Authorized.inbox.read.proof
          yield* requireInstance(proof.site.websiteConfigId, instanceId)
          const { cursor, limit = Fields.defaultLimit } = query
          const filter = Transcript.toFilter(query, proof.site.timeZone)
          const { items, next } = yield* lists.run(
            proof.site.websiteConfigId,
            transcripts.list({ instanceId, filter, after: cursor ?? null, limit })
          )
          return { conversations: items.map(summaryJson), next: next === null ? null : Cursor.format(next) }
        })
      )
      .handle(
        "export",
        Effect.fnUntraced(function* ({ params: { instance_id: instanceId }, query }) {
          const proof = yield* Authorized.inbox.read.proof
          yield* exports.begin(proof)
          yield* requireInstance(proof.site.websiteConfigId, instanceId)
          const filter = Transcript.toFilter(query, proof.site.timeZone)
          const found = transcripts.stream({ instanceId, filter })
          const lines = Stream.map(found, (conversation) => `${ConversationExport.json(conversation)}\n`)
          return exports.file(lines, { name: "conversations.ndjson", contentType: "application/x-ndjson" })
        })
      )
      .handle(
        "transcript",
        Effect.fnUntraced(function* ({ params: { conversation_id: conversationId, instance_id: instanceId } }) {
          const proof = yield* Authorized.inbox.read.proof
          yield* requireInstance(proof.site.websiteConfigId, instanceId)
          const found = yield* lists.run(proof.site.websiteConfigId, transcripts.find({ instanceId, conversationId }))
          return transcriptJson(yield* Effect.fromOption(found, () => noConversation))
        })
      )
      .handle(
        "delete",
        Effect.fnUntraced(function* ({ params: { conversation_id: conversationId, instance_id: instanceId } }) {
          const proof = yield* Authorized.inbox.change.proof
          yield* requireInstance(proof.site.websiteConfigId, instanceId)
          if (!(yield* store.delete({ instanceId, conversationId }))) return yield* Effect.fail(noConversation)
        })
      )
  })
)
