/**
 * A visitor of the test server's chat who disconnects in the middle of an answer.
 *
 * @module
 */
import { Effect } from "effect"
import { TestServer } from "./TestServer.ts"

/** The conversation id in a chat stream; empty if there is none. */
export const conversationIdOf = (stream: string): string => /"conversation_id":"([^"]+)"/.exec(stream)?.[1] ?? ""

/** Sends a message, disconnects after the first text of the answer, and returns the conversation's id. */
export const beginAndLeave = Effect.fnUntraced(function* (message: string) {
  const { instance, url, widgetToken } = yield* TestServer
  return yield* Effect.promise(async () => {
    const connection = new AbortController()
    const response = await fetch(`${url}/v1/public/widget/${instance.instance_id}/chat`, {
      method: "POST",
      signal: connection.signal,
      headers: { "content-type": "application/json", "x-widget-token": widgetToken },
      body: JSON.stringify({ message })
    })
    let text = ""
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    while (!text.includes('"delta"')) text += (await reader.read()).value ?? ""
    connection.abort()
    return conversationIdOf(text)
  })
})
