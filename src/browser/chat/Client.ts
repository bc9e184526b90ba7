/**
 * Sends a message to the edge and streams its answer.
 *
 * @module
 */
import * as Failures from "./Failures.ts"
import * as Frames from "./Frames.ts"
import * as Limits from "./Limits.ts"
import { makeSseReader } from "./SseReader.ts"

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

const connectionFailure = (otherwise: Failures.FailureKind): Failures.Failure => ({
  kind: navigator.onLine ? otherwise : "offline"
})

/** Reads a stream to its last frame. `onActivity` runs at each piece. */
const readStream = async (
  body: ReadableStream<Uint8Array>,
  listener: Listener,
  onActivity: () => void
): Promise<Outcome> => {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
  const events = makeSseReader()
  let failure: Failures.Failure | undefined
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return failure ?? { kind: "cut" }
    onActivity()
    const frames = events(value).map(Frames.parse)
    // Text that arrives together is rendered together.
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

/** Sends a question and returns its outcome. Never rejects. Aborting `stop` stops the answer; it is aborted at the end, too. */
export const ask = async (question: Question, listener: Listener, stop: AbortController): Promise<Outcome> => {
  const { signal } = stop
  let timer: ReturnType<typeof setTimeout> | undefined
  let isSilent = false
  let isAnswered = false
  const restartTimer = () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      isSilent = true
      stop.abort()
    }, Limits.maxSilence)
  }
  try {
    const response = await fetch(question.url, {
      method: "POST",
      headers: { "content-type": "application/json", "x-widget-token": question.token },
      body: JSON.stringify({ message: question.message, conversation_id: question.conversationId }),
      credentials: "omit",
      signal
    })
    isAnswered = true
    const { body, headers, ok, status } = response
    if (!ok) return Failures.fromStatus(status, headers.get("retry-after"))
    if (body === null || !headers.get("content-type")?.startsWith("text/event-stream")) return { kind: "unexpected" }
    restartTimer()
    return await readStream(body, listener, restartTimer)
  } catch {
    return signal.aborted && !isSilent ? "stopped" : connectionFailure(isAnswered ? "cut" : "network")
  } finally {
    clearTimeout(timer)
    // Ends a request whose response is not read to its end.
    stop.abort()
  }
}
