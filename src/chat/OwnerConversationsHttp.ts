/**
 * The endpoint that lists a website's instances, and the endpoints of their conversations.
 *
 * @module
 */
import { Effect, Stream } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Cursor from "../platform/text/Cursor.ts"
import { Caller, nameOf } from "../sites/access/AuthenticationApi.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as Fields from "../sites/access/Fields.ts"
import { SiteSlots } from "../sites/access/SiteSlots.ts"
import { ConversationStore } from "./ConversationStore.ts"
import * as Transcript from "./conversations/Transcript.ts"
import { InstanceDirectory, requireInstance } from "./InstanceDirectory.ts"
import { Transcripts } from "./Transcripts.ts"

export const noConversation = Errors.make(
  "NotFound",
  "This instance keeps no such conversation. The conversation may have been deleted, or its retention has ended."
)

/** The lines of an export. */
export const linesOf = <E>(transcripts: Stream.Stream<Transcript.Transcript, E>): Stream.Stream<string, E> =>
  Stream.map(transcripts, (transcript) => `${Transcript.json(transcript)}\n`)

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "conversations",
  Effect.fnUntraced(function* (handlers) {
    const directory = yield* InstanceDirectory
    const transcripts = yield* Transcripts
    const store = yield* ConversationStore
    const { exports, lists } = yield* SiteSlots
    const requireOne = requireInstance(directory)
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
          const { site } = yield* Authorized.settings.read.proof
          yield* requireOne(site.websiteConfigId, instanceId)
          return yield* lists.run(site.websiteConfigId, transcripts.answerHealth(site.websiteConfigId, instanceId))
        })
      )
      .handle(
        "list",
        Effect.fnUntraced(function* ({ params: { instance_id: instanceId }, query }) {
          const { site } = yield* Authorized.inbox.read.proof
          const { cursor, limit = Fields.defaultLimit } = query
          const filter = Transcript.toListFilter(query, site.timeZone)
          const { items, next } = yield* lists.run(
            site.websiteConfigId,
            transcripts.list({ reach: site.websiteConfigId, instanceId, filter, after: cursor ?? null, limit })
          )
          if (items.length === 0) yield* requireOne(site.websiteConfigId, instanceId)
          return { conversations: items, next: next === null ? null : Cursor.format(next) }
        })
      )
      .handle(
        "export",
        Effect.fnUntraced(function* ({ params: { instance_id: instanceId }, query }) {
          const proof = yield* Authorized.inbox.read.proof
          yield* exports.begin(proof)
          const { timeZone, websiteConfigId: reach } = proof.site
          yield* requireOne(reach, instanceId)
          const filter = Transcript.toFilter(query, timeZone)
          return exports.file(linesOf(transcripts.stream({ reach, instanceId, filter })), {
            site: proof.site,
            name: "conversations.ndjson",
            contentType: "application/x-ndjson"
          })
        })
      )
      .handle(
        "transcript",
        Effect.fnUntraced(function* ({ params }) {
          const { site } = yield* Authorized.inbox.read.proof
          const key = { instanceId: params.instance_id, conversationId: params.conversation_id }
          const found = yield* lists.run(site.websiteConfigId, transcripts.find(site.websiteConfigId, key))
          return yield* Effect.fromOption(found, () => noConversation)
        })
      )
      .handle(
        "open",
        Effect.fnUntraced(function* ({ params }) {
          const { site } = yield* Authorized.inbox.change.proof
          const key = { instanceId: params.instance_id, conversationId: params.conversation_id }
          const name = nameOf(yield* Caller)
          if (!(yield* transcripts.open(site.websiteConfigId, key, name))) return yield* Effect.fail(noConversation)
        })
      )
      .handle(
        "delete",
        Effect.fnUntraced(function* ({ params }) {
          const { site } = yield* Authorized.inbox.change.proof
          const key = { instanceId: params.instance_id, conversationId: params.conversation_id }
          if (!(yield* store.delete(site.websiteConfigId, key))) return yield* Effect.fail(noConversation)
        })
      )
  })
)
