/**
 * An agent for tests of chat clients other than the widget. It records its requests and follows the instruction in the message.
 */
import { Effect, Stream } from "effect"
import type { AgentEvent, ModelMessage } from "../../src/core/chat/agent/Agent.ts"
import * as MemoryAgentStream from "../../src/memory/chat/AgentStream.ts"
import { AgentBroken, AgentBusy, AgentEmpty, AgentRefused } from "../../src/services/chat/AgentStream.ts"

export interface RecordedRequest {
  readonly session: string
  readonly messages: ReadonlyArray<ModelMessage>
}

const accepted: AgentEvent = { _tag: "Accepted" }

export const make = () => {
  const requests: Array<RecordedRequest> = []
  /** How many endless answers have begun, and how many have ended. */
  const endless = { begun: 0, ended: 0 }
  const script: MemoryAgentStream.Script = ({ message, session, messages }) => {
    requests.push({ session, messages })
    switch (message) {
      case "refuse":
        return Stream.fail(new AgentRefused({ reason: "test" }))
      case "be busy":
        return Stream.fail(new AgentBusy({ reason: "test", retryAfter: 90 }))
      case "say nothing":
        return Stream.concat(Stream.succeed(accepted), Stream.fail(new AgentEmpty({ finish: "stop" })))
      case "break":
        return Stream.concat(
          Stream.take(MemoryAgentStream.texts(["half an answer"]), 2),
          Stream.fail(new AgentBroken({ reason: "test" }))
        )
      case "never end":
        return Stream.concat(
          Stream.fromIterable<AgentEvent>([accepted, { _tag: "Text", delta: "on and on" }]),
          Stream.never
        ).pipe(Stream.onStart(Effect.sync(() => endless.begun++)), Stream.ensuring(Effect.sync(() => endless.ended++)))
      default:
        return Stream.fromIterable<AgentEvent>([
          accepted,
          { _tag: "Reasoning", delta: "hm" },
          { _tag: "Text", delta: "You said " },
          { _tag: "Text", delta: message },
          { _tag: "Source", url: "https://example.com/", title: "Example" },
          { _tag: "Usage", inputTokens: 7, outputTokens: 3 },
          { _tag: "Finish", reason: "stop" }
        ])
    }
  }
  return { requests, endless, script }
}
