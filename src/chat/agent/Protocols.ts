/**
 * The agent protocols that an instance can name.
 *
 * @module
 */
import type * as Instance from "../Instance.ts"
import * as Anthropic from "./Anthropic.ts"
import * as OpenAiChat from "./OpenAiChat.ts"
import * as OpenAiResponses from "./OpenAiResponses.ts"
import type { AgentProtocol } from "./Protocol.ts"

export const protocols: Readonly<Record<Instance.AgentProtocolName, AgentProtocol>> = {
  "openai-chat": OpenAiChat.protocol,
  "openai-responses": OpenAiResponses.protocol,
  anthropic: Anthropic.protocol
}
