/**
 * Whether the visitor of a conversation is without an answer. Pure.
 *
 * @module
 */
import type { Answer } from "../Requests.ts"

type Message =
  Answer<"GET /v1/owner/sites/:site_id/instances/:instance_id/conversations/:conversation_id">["messages"][number]

const isEmpty = ({ parts }: Pick<Message, "parts">): boolean =>
  parts.every((part) => part.type === "text" && part.text === "")

const isEndedByVisitor = ({ ending }: Pick<Message, "ending">): boolean =>
  ending === "stopped" || ending === "superseded"

/**
 * As the service decides it with `isUnansweredAfter` of `chat/conversations/AnswerParts`: by the latest answer that its visitor did not
 * end at once. The visitor of a running answer waits for the agent, not for a person.
 */
export const isUnanswered = (messages: ReadonlyArray<Pick<Message, "role" | "parts" | "ending">>): boolean => {
  const latest = messages.findLast(
    (message) => message.role === "assistant" && !(isEndedByVisitor(message) && isEmpty(message))
  )
  if (latest === undefined || (latest.ending ?? null) === null) return false
  return latest.ending === "failed" || latest.ending === "cut" || isEmpty(latest)
}
