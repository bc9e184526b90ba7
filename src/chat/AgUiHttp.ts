/**
 * `POST …/ag-ui`: an instance's agent for clients of the AG-UI protocol. A client sends its whole
 * conversation with each request.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../api/Api.ts"
import * as ServiceSpans from "../platform/telemetry/ServiceSpans.ts"
import * as ChatEndpoint from "./ChatEndpoint.ts"
import * as ClientMessages from "./ClientMessages.ts"
import { AgUiRun } from "./stream/AgUiRun.ts"

/** Serves the contract's group. */
export const layer = HttpApiBuilder.group(
  Api,
  "agUi",
  Effect.fnUntraced(function* (handlers) {
    const { answer, stream } = yield* ChatEndpoint.ChatEndpoint
    return handlers.handle(
      "run",
      ServiceSpans.handler("agUi.run", ({ payload: { messages, runId, threadId } }) =>
        Effect.matchEffect(Effect.fromResult(ClientMessages.conversationOf(messages)), {
          onFailure: ChatEndpoint.invalid,
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
              stream(() => new AgUiRun({ threadId, runId }))
            )
        })
      )
    )
  })
)
