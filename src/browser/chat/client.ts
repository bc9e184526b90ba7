/**
 * Sends one message to the edge and gives its answer as it comes.
 *
 * @module
 */
import * as Failures from "./failures.ts"
import * as Frames from "./frames.ts"
import * as Limits from "./Limits.ts"
import * as Sse from "./sse.ts"

export interface Question {
  readonly url: string
  readonly token: string
  readonly message: string
  readonly conversationId: string | null
}

export interface Listener {
  readonly onConversation: (id: string) => void
  readonly onText: (delta: string) => void
}

export type Outcome = "done" | "stopped" | Failures.Failure

const lost = (otherwise: Failures.FailureKind): Failures.Failure => ({
  kind: navigator.onLine ? otherwise : "offline"
})

/** Reads a stream to its last frame. */
const follow = async (body: ReadableStream<Uint8Array>, listener: Listener, alive: () => void): Promise<Outcome> => {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
  const events = Sse.makeReader()
  let failure: Failures.Failure | undefined
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return failure ?? { kind: "cut" }
    alive()
    const frames = events(value).map(Frames.read)
    // What came at once is shown at once: a browser lays the whole answer out for each piece.
    const text = frames.map((frame) => (frame?.type === "text" ? frame.delta : "")).join("")
    length += text.length
    if (length > Limits.maxAnswer) return { kind: "cut" }
    if (text !== "") listener.onText(text)
    for (const frame of frames) {
      switch (frame?.type) {
        case "start":
          if (frame.conversationId) listener.onConversation(frame.conversationId)
          break
        case "error":
          failure = { kind: "broken", sentence: frame.sentence }
          break
        case "done":
          return failure ?? "done"
      }
    }
  }
}

/** Asks, and gives how it ended. It never rejects. Aborting `stop` ends it as stopped; it is aborted in any case. */
export const ask = async (question: Question, listener: Listener, stop: AbortController): Promise<Outcome> => {
  const { signal } = stop
  let timer: ReturnType<typeof setTimeout> | undefined
  let silent = false
  let answered = false
  const alive = () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      silent = true
      stop.abort()
    }, Limits.silence)
  }
  try {
    const response = await fetch(question.url, {
      method: "POST",
      headers: { "content-type": "application/json", "x-widget-token": question.token },
      body: JSON.stringify({ message: question.message, conversation_id: question.conversationId }),
      credentials: "omit",
      signal
    })
    answered = true
    const { body, headers, ok, status } = response
    if (!ok) return Failures.ofStatus(status, headers.get("retry-after"))
    if (body === null || !headers.get("content-type")?.startsWith("text/event-stream")) return { kind: "unexpected" }
    alive()
    return await follow(body, listener, alive)
  } catch {
    return signal.aborted && !silent ? "stopped" : lost(answered ? "cut" : "network")
  } finally {
    clearTimeout(timer)
    // Ends the request, whatever is still to come of it.
    stop.abort()
  }
}
