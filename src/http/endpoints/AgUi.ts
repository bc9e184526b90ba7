/**
 * `POST …/ag-ui`: an instance's agent for clients of the AG-UI protocol. A client sends its whole
 * conversation with each request.
 *
 * @module
 */
import { Effect, Result } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../../contract/Api.ts"
import * as BodyReader from "../../contract/BodyReader.ts"
import { RunPayload } from "../../contract/chat/AgUi.ts"
import * as ClientMessages from "../../contract/chat/ClientMessages.ts"
import { AgUiRun } from "../../core/chat/stream/AgUiRun.ts"
import * as ChatEndpoint from "./ChatEndpoint.ts"

const readPayload = BodyReader.make(RunPayload)

const api = (stream: ChatEndpoint.Stream): ChatEndpoint.ClientApi => ({
  token: ChatEndpoint.widgetToken,
  read: (body) =>
    Result.flatMap(readPayload(body), ({ messages, runId, threadId }) =>
      Result.map(ClientMessages.conversationOf(messages), (conversation) => ({
        question: {
          _tag: "Conversation",
          conversationId: threadId,
          conversation,
          kind: "new",
          targetId: null,
          // A message without history is added to the thread. It does not restart the thread.
          isKnownComplete: false,
          isResumable: false
        },
        respond: stream(() => new AgUiRun({ threadId, runId }))
      }))
    ),
  toRefusal: (response) => response
})

/** Serves the contract's group. */
export const layer = HttpApiBuilder.group(
  Api,
  "agUi",
  Effect.fnUntraced(function* (handlers) {
    const { make, stream } = yield* ChatEndpoint.ChatEndpoint
    const agUi = api(stream)
    const run = make(ChatEndpoint.only(agUi))
    return handlers.handleRaw("run", ({ params, request }) =>
      ChatEndpoint.answerRequest(request, params.instance_id, run, agUi)
    )
  })
)
