/**
 * Clients of chats that are not ours, with one service: each client has visitors of its own. Imports nothing of `src`.
 */
import { describe, layer } from "@effect/vitest"
import * as AgUi from "./AgUi.ts"
import { layer as service } from "./Chat.ts"
import * as FetchEventSource from "./FetchEventSource.ts"
import * as OpenAi from "./OpenAi.ts"
import * as UseChat from "./UseChat.ts"

layer(service, { excludeTestServices: true, timeout: "5 minutes" })((it) => {
  describe("useChat", () => UseChat.tests(it))
  describe("the openai client", () => OpenAi.tests(it))
  describe("AG-UI and CopilotKit", () => AgUi.tests(it))
  describe("fetch-event-source", () => FetchEventSource.tests(it))
})
