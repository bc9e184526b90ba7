/**
 * Reads the bodies of the chat endpoints, which may repeat their conversation, and gives each client's form to the errors.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import type { HttpServerResponse } from "effect/http"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import { Received } from "../platform/contract/Received.ts"
import * as Body from "../platform/http/Body.ts"
import * as ErrorSentence from "../platform/http/ErrorSentence.ts"
import * as RequestBody from "../platform/http/RequestBody.ts"
import * as Validation from "../platform/http/Validation.ts"
import { ChatBody, ConversationBody, OpenAiForm, OpenAiValidation } from "./ChatBodies.ts"
import * as OpenAiErrors from "./OpenAiErrors.ts"
import * as UseChat from "./UseChat.ts"

type Response = HttpServerResponse.HttpServerResponse

/**
 * Whether an unparsed body is probably of `useChat`. JSON escapes the quotation marks in a text, so each match is a key or a
 * whole text.
 */
const isLikelyUseChat = (bytes: Uint8Array): boolean => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.includes('"id"') && ['"messages"', '"parts"', '"trigger"'].some((key) => buffer.includes(key))
}

const isUseChat = (text: string, bytes: Uint8Array): boolean => {
  try {
    return UseChat.isUseChat(JSON.parse(text))
  } catch {
    return isLikelyUseChat(bytes)
  }
}

/** The largest body that is parsed to find the form of an error. */
const maxParsed = 16_384

const isOfUseChat = (text: string, bytes: Uint8Array): boolean =>
  bytes.length > maxParsed ? isLikelyUseChat(bytes) : isUseChat(text, bytes)

/** A response of `ErrorResponses` in OpenAI's form. Any other response has its form already. */
const inOpenAiForm = (response: Response): Response =>
  response.status >= 400 && ErrorSentence.detailOf(response) !== "" ? OpenAiErrors.from(response) : response

const bodies = Layer.effectContext(
  Effect.sync(() => {
    const readBody = Body.make()
    const readChat = readBody({
      read: (request) => RequestBody.readConversation(request, (bytes) => !isLikelyUseChat(bytes)),
      toRefusal: (response, bytes) => (isLikelyUseChat(bytes) ? ErrorSentence.asText(response) : response)
    })
    const ofChat: ChatBody["Service"] = (httpEffect) =>
      readChat(
        Effect.flatMap(httpEffect, (response) =>
          response.status < 400
            ? Effect.succeed(response)
            : Effect.map(Received, ({ bytes, text }) =>
                isOfUseChat(text, bytes) ? ErrorSentence.asText(response) : response
              )
        )
      )
    return Context.make(ConversationBody, readBody({ read: RequestBody.readConversation })).pipe(
      Context.add(ChatBody, ofChat)
    )
  })
)

/** The middleware of the chat endpoints' bodies and errors. */
export const layer = Layer.mergeAll(
  bodies,
  Layer.succeed(OpenAiForm, (httpEffect) => Effect.map(httpEffect, inOpenAiForm)),
  HttpApiMiddleware.layerSchemaErrorTransform(OpenAiValidation, (error, { endpoint }) =>
    Validation.answer(error, endpoint)
  )
)
