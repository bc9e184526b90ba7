/**
 * An agent whose answers a test writes step by step. The visitor's message identifies the answer.
 *
 * @module
 */
import type { ServerResponse } from "node:http"
import { Effect, Schema } from "effect"
import * as Upstream from "./TestUpstream.ts"

const Request = Schema.fromJsonString(
  Schema.Struct({ messages: Schema.Array(Schema.Struct({ content: Schema.String })) })
)

export interface ControlledAgent {
  readonly url: string
  /** Adds text to the answer to `message`. */
  readonly say: (message: string, text: string) => void
  readonly finish: (message: string) => void
  /** Whether the edge still reads the answer to `message`. */
  readonly isRead: (message: string) => boolean
}

/** Starts an agent that begins each answer with "Well". The agent ends with the scope. */
export const start = Effect.gen(function* () {
  const answers = new Map<string, ServerResponse>()
  const answerTo = (message: string): ServerResponse => {
    const answer = answers.get(message)
    if (answer === undefined) throw new Error(`The agent got no request "${message}"`)
    return answer
  }
  const upstream = yield* Upstream.start((received, response) => {
    const { messages } = Schema.decodeUnknownSync(Request)(received.body)
    answers.set(messages.at(-1)?.content ?? "", response)
    response.writeHead(200, Upstream.sse)
    response.write(Upstream.says("Well"))
  })
  return {
    url: upstream.url,
    say: (message, text) => void answerTo(message).write(Upstream.says(text)),
    finish: (message) => void answerTo(message).end(Upstream.finishes("stop")),
    isRead: (message) => !answerTo(message).closed
  } satisfies ControlledAgent
})
