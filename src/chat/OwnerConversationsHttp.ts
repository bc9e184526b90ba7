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
import { Exports } from "../sites/access/Exports.ts"
import * as Failures from "../sites/access/Failures.ts"
import * as Fields from "../sites/access/Fields.ts"
import { OwnerSites } from "../sites/OwnerSites.ts"
import type { AnswerHealth } from "./conversations/AnswerHealth.ts"
import type { Conversation } from "./conversations/Conversation.ts"
import * as ConversationExport from "./conversations/ConversationExport.ts"
import type { TranscriptSummary } from "./conversations/Transcript.ts"
import * as TranscriptQuery from "./conversations/TranscriptQuery.ts"
import type { Instance } from "./Instance.ts"
import { OwnerConversations } from "./OwnerConversations.ts"

const instanceJson = (instance: Instance) => ({
  instance_id: instance.instanceId,
  name: instance.name,
  memory: instance.memory,
  agent_protocol: instance.agentProtocol,
  agent_model: instance.agentModel,
  origins: instance.origins
})

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

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "conversations",
  Effect.fnUntraced(function* (handlers) {
    const ownerSites = yield* OwnerSites
    const exports = yield* Exports
    const conversations = yield* OwnerConversations
    return handlers
      .handle("instances", ({ params }) =>
        ownerSites.authorize(params.site_id, "read").pipe(
          Effect.flatMap(conversations.instances),
          Effect.map((instances) => ({ instances: instances.map(instanceJson) })),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("answers", ({ params }) =>
        ownerSites.authorize(params.site_id, "read").pipe(
          Effect.flatMap((proof) => conversations.answerHealth(proof, params.instance_id)),
          Effect.map(healthJson),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle(
        "list",
        Effect.fnUntraced(
          function* ({ params, query }) {
            const proof = yield* ownerSites.authorize(params.site_id, "read")
            const { cursor, limit = Fields.defaultLimit } = query
            const { items, next } = yield* conversations.list(proof, params.instance_id, {
              filter: TranscriptQuery.toFilter(query, proof.site.timeZone),
              after: cursor ?? null,
              limit
            })
            return {
              conversations: items.map(summaryJson),
              next: next === null ? null : Cursor.format(next)
            }
          },
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle(
        "export",
        Effect.fnUntraced(
          function* ({ params, query }) {
            const proof = yield* ownerSites.authorize(params.site_id, "read")
            yield* exports.begin(proof)
            const filter = TranscriptQuery.toFilter(query, proof.site.timeZone)
            const found = yield* conversations.stream(proof, params.instance_id, filter)
            const lines = Stream.map(found, (conversation) => `${ConversationExport.json(conversation)}\n`)
            return exports.file(lines, { name: "conversations.ndjson", contentType: "application/x-ndjson" })
          },
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("transcript", ({ params }) =>
        ownerSites.authorize(params.site_id, "read").pipe(
          Effect.flatMap((proof) => conversations.find(proof, params.instance_id, params.conversation_id)),
          Effect.map(transcriptJson),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("delete", ({ params }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => conversations.delete(proof, params.instance_id, params.conversation_id)),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
  })
)
