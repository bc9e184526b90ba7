/**
 * `POST …/ag-ui`: an instance's agent for clients of the AG-UI protocol (version 1.0). A client sends its whole conversation with
 * each request, and gets a run in Server-Sent Events.
 *
 * A run begins with `RUN_STARTED`. Each text is a `TEXT_MESSAGE_START`, one or more `TEXT_MESSAGE_CONTENT` and a
 * `TEXT_MESSAGE_END`. An activity is a step (`STEP_STARTED`, `STEP_FINISHED`). The protocol has no event for a source, so a
 * source is a `CUSTOM` event with the name `source-url`. The run ends with `RUN_FINISHED` or `RUN_ERROR`.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../api/Api.ts"
import type { ChatEndpoint } from "./ChatEndpoint.ts"
import * as ChatRefusals from "./ChatRefusals.ts"
import { type Dialect, event, sentences } from "./ChatStream.ts"
import * as ClientMessages from "./ClientMessages.ts"

/** The client's ids of the conversation and of this request. */
export interface RunIds {
  readonly threadId: string
  readonly runId: string
}

export const run = ({ runId, threadId }: RunIds): Dialect => ({
  start: () => event({ type: "RUN_STARTED", threadId, runId }),
  textStart: (messageId) => event({ type: "TEXT_MESSAGE_START", messageId, role: "assistant" }),
  textDelta: (messageId, delta) => event({ type: "TEXT_MESSAGE_CONTENT", messageId, delta }),
  textEnd: (messageId) => event({ type: "TEXT_MESSAGE_END", messageId }),
  source: ({ sourceId, title, url }) =>
    event({ type: "CUSTOM", name: "source-url", value: { sourceId, url, ...(title === null ? {} : { title }) } }),
  activityStart: (stepName) => event({ type: "STEP_STARTED", stepName }),
  activityEnd: (stepName) => event({ type: "STEP_FINISHED", stepName }),
  finished: () => event({ type: "RUN_FINISHED", threadId, runId }),
  failed: (failure) => event({ type: "RUN_ERROR", message: sentences[failure], code: failure })
})

/** Serves the contract's group. */
export const layer = ({ answer }: ChatEndpoint) =>
  HttpApiBuilder.group(Api, "agUi", (handlers) =>
    handlers.handle("run", ({ payload: { messages, runId, threadId } }) =>
      Effect.matchEffect(Effect.fromResult(ClientMessages.conversationOf(messages)), {
        onFailure: ChatRefusals.invalid,
        onSuccess: (conversation) =>
          answer(
            {
              _tag: "Conversation",
              conversationId: threadId,
              conversation,
              kind: "new",
              targetId: null,
              // A message without history is added to the thread. It does not restart the thread.
              isKnownComplete: false,
              isResumable: false
            },
            { dialect: () => run({ threadId, runId }) }
          )
      })
    )
  )
