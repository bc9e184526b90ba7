/**
 * `conversation list`, `show`, `export` and `delete`: the conversations that the service stores for an instance.
 *
 * @module
 */

import { Clock, Effect, type Layer, Option, Schema, Stream } from "effect"
import { Command } from "effect/cli"
import { ConversationStore } from "../../chat/ConversationStore.ts"
import type { ConversationKey } from "../../chat/conversations/Conversation.ts"
import * as ConversationId from "../../chat/conversations/ConversationId.ts"
import * as Transcript from "../../chat/conversations/Transcript.ts"
import { InstanceDirectory } from "../../chat/InstanceDirectory.ts"
import * as Id from "../../platform/Id.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import * as Inputs from "../support/Inputs.ts"
import * as InstanceInputs from "../support/InstanceInputs.ts"
import * as Output from "../support/Output.ts"

const requireInstance = Effect.fnUntraced(function* (instanceId: Id.InstanceId) {
  const instances = yield* InstanceDirectory
  if (Option.isNone(yield* instances.find(instanceId))) return yield* Output.notFound("instance", instanceId)
})

/** The keys under which a conversation may be stored: its id, or the hash of an id that a client made. */
const keysOf = Effect.fnUntraced(function* (instanceId: Id.InstanceId, id: string) {
  const store = yield* ConversationStore
  const hashed = ConversationId.ofClientId(yield* store.hashKey, instanceId, id)
  return [id, hashed]
    .filter(Schema.is(Id.ConversationId))
    .map((conversationId): ConversationKey => ({ instanceId, conversationId }))
})

const list = Command.make(
  "list",
  { instanceId: Inputs.instance, limit: InstanceInputs.limit },
  Effect.fnUntraced(function* ({ instanceId, limit }) {
    yield* requireInstance(instanceId)
    const store = yield* ConversationStore
    const conversations = yield* store.list({ instanceId, limit, before: null })
    const table = Output.table(
      ["CONVERSATION_ID", "BEGAN", "LAST", "MESSAGES"],
      conversations.map(({ conversationId, createdAt, messages, updatedAt }) => [
        conversationId,
        Output.moment(createdAt),
        Output.moment(updatedAt),
        String(messages)
      ]),
      "The instance has no conversations."
    )
    const isCut = conversations.length === limit
    yield* Output.answer({
      json: conversations.map(({ conversationId, createdAt, messages, updatedAt }) => ({
        conversation_id: conversationId,
        created_at: Calendar.iso(createdAt),
        updated_at: Calendar.iso(updatedAt),
        messages
      })),
      text: isCut ? `${table}\nThere may be more: raise --limit, or use \`hydracore conversation export\`.\n` : table
    })
  })
).pipe(Command.withDescription("List an instance's conversations, the one with the latest message first"))

const show = Command.make(
  "show",
  { instanceId: Inputs.instance, conversation: InstanceInputs.conversation },
  Effect.fnUntraced(function* ({ conversation, instanceId }) {
    const store = yield* ConversationStore
    for (const key of yield* keysOf(instanceId, conversation)) {
      const messages = yield* store.read(key)
      if (Option.isNone(messages)) continue
      const transcript = Transcript.of({ ...key, createdAt: 0, updatedAt: 0, messages: messages.value })
      return yield* Output.answer({
        json: { conversation_id: key.conversationId, messages: transcript.messages },
        text: Transcript.text(transcript.messages)
      })
    }
    return yield* Output.notFound("conversation", conversation)
  })
).pipe(Command.withDescription("Print a conversation"))

const exportCommand = Command.make(
  "export",
  {
    instanceId: Inputs.instance,
    since: Inputs.time(
      "since",
      "Only conversations with a message from this time on, such as 90d, 12h, 2026-01-31 or 2026-01-31T08:00:00Z"
    )
  },
  Effect.fnUntraced(function* ({ instanceId, since }) {
    const now = yield* Clock.currentTimeMillis
    const from = yield* Inputs.readTime(
      "since",
      "a time such as 90d, 12h, 30m, 2026-01-31 or 2026-01-31T08:00:00Z",
      since,
      (text) => Calendar.parseSince(text, now)
    )
    yield* requireInstance(instanceId)
    const store = yield* ConversationStore
    const documents = Stream.map(store.stream({ instanceId, since: from }), (conversation) =>
      Transcript.json(Transcript.of(conversation))
    )
    const texts = (yield* Output.Json)
      ? Output.jsonArray(documents)
      : Stream.map(documents, (document) => `${document}\n`)
    yield* Output.writeAll(texts)
  })
).pipe(
  Command.withDescription(
    "Write an instance's conversations to stdout, one JSON object per line, in the order of their beginning"
  ),
  Command.withExamples([
    {
      command: "hydracore conversation export --instance 6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11 --since 7d",
      description: "The conversations of the last week, with the ratings of their answers"
    }
  ])
)

const remove = Command.make(
  "delete",
  { instanceId: Inputs.instance, conversation: InstanceInputs.conversation },
  Effect.fnUntraced(function* ({ conversation, instanceId }) {
    const store = yield* ConversationStore
    const deleted = yield* Effect.forEach(yield* keysOf(instanceId, conversation), (key) => store.delete("all", key))
    if (!deleted.includes(true)) return yield* Output.notFound("conversation", conversation)
    yield* Output.answer({
      json: { conversation_id: conversation, deleted: true },
      text: `The conversation ${TerminalText.printable(conversation)} is deleted.\n`
    })
  })
).pipe(Command.withDescription("Delete a conversation with all its messages"))

/** The command. `storage` is built only when a subcommand runs. */
export const command = <E, R>(storage: Layer.Layer<ConversationStore | InstanceDirectory, E, R>) =>
  Command.make("conversation").pipe(
    Command.withDescription("Stored conversations of an instance"),
    Command.withSubcommands([
      list.pipe(Command.provide(storage)),
      show.pipe(Command.provide(storage)),
      exportCommand.pipe(Command.provide(storage)),
      remove.pipe(Command.provide(storage))
    ])
  )
