/**
 * How the bodies of the chat endpoints are read, and the form of their errors. `chat/ChatBodiesHttp` implements the
 * middleware.
 *
 * @module
 */
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import type { Received } from "../platform/contract/Received.ts"

/** Reads a body that may repeat its conversation. */
export class ConversationBody extends HttpApiMiddleware.Service<ConversationBody, { provides: Received }>()(
  "hydracore/chat/ConversationBody"
) {}

/** Reads the body of the widget's chat. The errors of a body of `useChat` are sentences. */
export class ChatBody extends HttpApiMiddleware.Service<ChatBody, { provides: Received }>()(
  "hydracore/chat/ChatBody"
) {}

/** Gives errors the form of OpenAI's API. */
export class OpenAiForm extends HttpApiMiddleware.Service<OpenAiForm>()("hydracore/chat/OpenAiForm") {}

/** Answers a request that does not validate. The response gets its form from `OpenAiForm`. */
export class OpenAiValidation extends HttpApiMiddleware.Service<OpenAiValidation>()(
  "hydracore/chat/OpenAiValidation"
) {}
