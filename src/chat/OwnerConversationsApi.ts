/**
 * The instances of a website and their stored conversations.
 *
 * @module
 */
import { Result, Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Field from "../platform/contract/Field.ts"
import { streamed } from "../platform/contract/OpenApi.ts"
import { ConversationId, InstanceId } from "../platform/Id.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Fields from "../sites/access/Fields.ts"
import { siteId } from "../sites/OwnerSitesApi.ts"
import * as Transcript from "./conversations/Transcript.ts"
import * as Instance from "./Instance.ts"

const base = "/v1/owner/sites/:site_id/instances"

const ofInstance = { site_id: siteId, instance_id: Field.Id(InstanceId, { title: "Instance Id" }) }

const { agent_model, agent_protocol, instance_id, memory, name, origins } = Instance.InstanceSettings.fields

export const Instances = Schema.Struct({
  instances: Schema.Array(
    Schema.Struct({
      instance_id,
      name,
      memory: memory.annotate({
        description: "Where the instance's conversations are: here (`edge`), or in the agent only"
      }),
      agent_protocol,
      agent_model,
      origins: origins.annotate({ description: "The origins that may use the instance; empty for any" })
    })
  )
}).annotate({
  identifier: "Instances",
  examples: [
    {
      instances: [
        {
          instance_id: InstanceId.make(Fields.exampleId),
          name: "Assistant",
          memory: "edge",
          agent_protocol: "openai-chat",
          agent_model: null,
          origins: []
        }
      ]
    }
  ]
})

export const instances = HttpApiEndpoint.get("instances", base, {
  params: { site_id: siteId },
  success: Instances
})
  .middleware(Authorized.settings.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_instances",
      summary: "List instances",
      description: "The instances that serve a website, oldest first."
    })
  )

export const answers = HttpApiEndpoint.get("answers", `${base}/:instance_id/answers`, {
  params: ofInstance,
  success: Transcript.AnswerHealth
})
  .middleware(Authorized.settings.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "answer_health",
      summary: "Read whether answers fail",
      description:
        "Whether the agent of the instance answers: when a visitor got the latest answer that the service stores, and how many questions in a row the agent has not answered since its last answer. It fails exactly while the website has the problem `agent_failed` of this instance."
    })
  )

export const ConversationList = Schema.Struct({
  conversations: Schema.Array(Transcript.TranscriptSummary),
  next: Fields.next
}).annotate({
  identifier: "ConversationList",
  examples: [{ conversations: [Transcript.exampleSummary], next: null }]
})

/** Which conversations a list or an export has. */
export const filter = {
  search: Fields.text({
    title: "Search",
    description:
      "A text that a message, one of its sources or a comment contains. The case of ASCII letters does not matter",
    maxLength: 200
  }),
  unanswered: Fields.choice(["true"], { title: "Unanswered" }),
  rating: Fields.choice(["up", "down"], { title: "Rating" }),
  from: Fields.bound("Only conversations with an `updated_at` on this day or later, in the website's time zone"),
  to: Fields.bound("Only conversations with an `updated_at` on this day or earlier, in the website's time zone")
}

export const listQuery = {
  ...filter,
  waiting: Fields.choice(["true"], { title: "Waiting" }),
  cursor: Fields.cursorOf(Schema.is(ConversationId)),
  limit: Fields.limit
}

export const list = HttpApiEndpoint.get("list", `${base}/:instance_id/conversations`, {
  params: ofInstance,
  query: listQuery,
  success: ConversationList
})
  .middleware(Authorized.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_conversations",
      summary: "List conversations",
      description: "The stored conversations of an instance, those with the latest message first."
    })
  )

const ofConversation = {
  ...ofInstance,
  conversation_id: Field.custom<ConversationId>({ type: "string", title: "Conversation Id" }, (input) =>
    Schema.is(ConversationId)(input)
      ? Result.succeed(input)
      : Field.fail("value_error", "Value error, expected a conversation_id from the list of conversations")
  )
}

export const transcript = HttpApiEndpoint.get("transcript", `${base}/:instance_id/conversations/:conversation_id`, {
  params: ofConversation,
  success: Transcript.OpenTranscript
})
  .middleware(Authorized.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "read_transcript",
      summary: "Read a conversation",
      description:
        "A conversation with its messages, oldest first. The id of one of its messages may take the place of its own, as in the links of mails: with the conversation's id and the widget token, anyone reads it. The request does not mark it as opened."
    })
  )

export const open = HttpApiEndpoint.post("open", `${base}/:instance_id/conversations/:conversation_id/opened`, {
  params: ofConversation,
  success: HttpApiSchema.NoContent
})
  .middleware(Authorized.inbox.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "open_conversation",
      summary: "Mark a conversation as opened",
      description:
        "Stores that the caller opened a conversation, for all people of the website. The conversation then waits for nobody, until another of its answers fails."
    })
  )

export const remove = HttpApiEndpoint.delete("delete", `${base}/:instance_id/conversations/:conversation_id`, {
  params: ofConversation,
  success: HttpApiSchema.NoContent
})
  .middleware(Authorized.inbox.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "delete_conversation",
      summary: "Delete a conversation",
      description: "Deletes a conversation and its messages permanently."
    })
  )

const exampleTranscript: Transcript.Transcript = {
  conversation_id: ConversationId.make("c-8f14e45f"),
  created_at: Fields.exampleTime,
  updated_at: Fields.exampleTime,
  page: "/contact",
  source: "news.example",
  country: "NO",
  messages: [
    {
      id: Fields.exampleId,
      role: "user",
      created_at: Fields.exampleTime,
      parts: [{ type: "text", text: "When are you open?" }]
    },
    {
      id: "0d3b7c52-6f0e-4c8e-a1d7-5e0f4b9c2a63",
      role: "assistant",
      created_at: Fields.exampleTime,
      parts: [{ type: "text", text: "From nine to five." }],
      ending: "stop",
      rating: "up",
      comment: null
    }
  ]
}

/** An example of an export, made by the function that formats it. */
const exampleExports = { "application/x-ndjson": `${Transcript.json(exampleTranscript)}\n` }

/** A file with a conversation in each line. */
export const exportedConversations = HttpApiSchema.WithHeaders(
  HttpApiSchema.StreamUint8Array({ contentType: "application/x-ndjson" }),
  { "content-disposition": Schema.String.annotate({ description: "The name of a file to save" }) }
)

export const exportAll = HttpApiEndpoint.get("export", `${base}/:instance_id/export`, {
  params: ofInstance,
  query: filter,
  success: exportedConversations
})
  .middleware(Authorized.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "export_conversations",
      transform: streamed("The conversations", exampleExports),
      summary: "Export conversations",
      description:
        "The stored conversations of an instance in the order in which they began, one JSON object per line, filtered as a list is. The response breaks off if the service fails."
    })
  )

export class ConversationsGroup extends HttpApiGroup.make("conversations")
  .add(instances, answers, list, exportAll, transcript, open, remove)
  .annotateMerge(
    OpenApi.annotations({ title: "Conversations", description: "Conversations of visitors with a website's agents" })
  ) {}
