/**
 * Chat with an instance's agent for clients of the AG-UI protocol, such as CopilotKit.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { Validation } from "../platform/contract/Errors.ts"
import * as Field from "../platform/contract/Field.ts"
import * as Headers from "../platform/contract/Headers.ts"
import { streamed } from "../platform/contract/OpenApi.ts"
import { Messages } from "./ClientMessages.ts"
import {
  ConversationBody,
  chatErrors,
  chatParams,
  SendsMessage,
  WidgetTokenSecurity,
  widgetTokenHeader
} from "./WidgetApi.ts"

export const RunPayload = Schema.Struct({
  threadId: Field.Text({ title: "Thread Id", maxLength: 256 }),
  runId: Field.Text({ title: "Run Id", maxLength: 256 }),
  messages: Messages
}).annotate({
  identifier: "AgUiRunInput",
  description: "`RunAgentInput` of AG-UI. Its `tools`, `context`, `state`, `forwardedProps` and `resume` are ignored.",
  examples: [
    {
      threadId: "9b8d7c6e-1f2a-4b3c-8d4e-5f6a7b8c9d0e",
      runId: "1",
      // The OpenAPI document shows the encoded value.
      messages: [{ id: "1", role: "user", content: "When do you open?" }] as never
    }
  ]
})

export type RunPayload = typeof RunPayload.Type

const messageId = Schema.String

const RunEvent = Schema.Union([
  Schema.Struct({ type: Schema.Literal("RUN_STARTED"), threadId: Schema.String, runId: Schema.String }),
  Schema.Struct({ type: Schema.Literal("TEXT_MESSAGE_START"), messageId, role: Schema.Literal("assistant") }),
  Schema.Struct({ type: Schema.Literal("TEXT_MESSAGE_CONTENT"), messageId, delta: Schema.String }),
  Schema.Struct({ type: Schema.Literal("TEXT_MESSAGE_END"), messageId }),
  Schema.Struct({
    type: Schema.Literals(["STEP_STARTED", "STEP_FINISHED"]),
    stepName: Schema.Literals(["thinking", "searching", "working"])
  }).annotate({ description: "What the agent is doing while it sends no text" }),
  Schema.Struct({
    type: Schema.Literal("CUSTOM"),
    name: Schema.Literal("source-url"),
    value: Schema.Struct({ sourceId: Schema.String, url: Schema.String, title: Schema.optionalKey(Schema.String) })
  }).annotate({ description: "A page that the answer relies on" }),
  Schema.Struct({ type: Schema.Literal("RUN_FINISHED"), threadId: Schema.String, runId: Schema.String }),
  Schema.Struct({
    type: Schema.Literal("RUN_ERROR"),
    message: Schema.String.annotate({ description: "A sentence for the visitor" }),
    code: Schema.String
  })
]).annotate({ identifier: "AgUiEvent" })

const exampleEvent: typeof RunEvent.Type = {
  type: "TEXT_MESSAGE_CONTENT",
  messageId: "0d3b7c52-6f0e-4c8e-a1d7-5e0f4b9c2a63",
  delta: "From nine to five."
}

const StreamEvent = Schema.Struct({ data: Schema.fromJsonString(RunEvent) }).annotate({
  identifier: "AgUiStreamEvent",
  // The OpenAPI document shows the encoded value.
  examples: [{ data: JSON.stringify(exampleEvent) as never }]
})

export const run = HttpApiEndpoint.post("run", "/v1/public/widget/:instance_id/ag-ui", {
  params: chatParams,
  headers: widgetTokenHeader,
  payload: RunPayload,
  success: HttpApiSchema.WithHeaders(HttpApiSchema.StreamSse({ events: StreamEvent }), {
    ...Headers.rateLimit,
    ...Headers.eventStream
  }),
  error: chatErrors
})
  .middleware(Validation)
  .middleware(WidgetTokenSecurity)
  .middleware(ConversationBody)
  .annotate(SendsMessage, true)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "ag_ui_run",
      transform: streamed("The agent's answer, in the protocol of the client"),
      summary: "AG-UI run",
      description:
        "The agent's answer to the last message, as a run of AG-UI. Only the text of `user` and `assistant` messages is passed on."
    })
  )

export class AgUiGroup extends HttpApiGroup.make("agUi")
  .add(run)
  .annotateMerge(OpenApi.annotations({ title: "AG-UI", description: "Chat for clients of the AG-UI protocol" })) {}
