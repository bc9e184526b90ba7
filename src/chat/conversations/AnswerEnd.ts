/**
 * What the readers of an answer get at its end. Pure.
 *
 * @module
 */
import { Option } from "effect"
import type { AgentEvent } from "../agent/Agent.ts"
import type { AnswerEnding } from "./Conversation.ts"

/** The last event of an answer that ended this way; none if its readers must see an error. */
export const lastEvent = (ending: AnswerEnding): Option.Option<AgentEvent> => {
  switch (ending) {
    case "failed":
    case "cut":
      return Option.none()
    case "stopped":
    case "superseded":
      return Option.some({ _tag: "Finish", reason: "other" })
    case "tool-calls":
      return Option.some({ _tag: "Finish", reason: "stop" })
    default:
      return Option.some({ _tag: "Finish", reason: ending })
  }
}
