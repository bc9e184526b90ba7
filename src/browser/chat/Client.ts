/**
 * Requests to the edge: sends a message and receives the answer as a stream; resumes, stops and rates an answer.
 *
 * @module
 */
import type { Rating } from "./ConversationStore.ts"
import * as Failures from "./Failures.ts"
import * as Frames from "./Frames.ts"
import * as Limits from "./Limits.ts"
import { makeSseReader } from "./SseReader.ts"

/** An instance's chat endpoint and the token for it. */
export interface Endpoint {
  readonly url: string
  readonly token: string
  /** Whether the chat that begins may be linked to the visit. */
  readonly allowsLead: boolean
}

const request = (
  { allowsLead, token, url }: Endpoint,
  path: string,
  body?: unknown,
  init?: RequestInit
): Promise<Response> =>
  fetch(url + path, {
    headers: {
      "x-widget-token": token,
      ...(!allowsLead && { "x-hydracore-leads": "off" }),
      ...(body !== undefined && { "content-type": "application/json" })
    },
    credentials: "omit",
    ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
    ...init
  })

/** Reads a stream to its last frame. `onChunk` runs at each chunk. */
const readStream = async (
  body: ReadableStream<Uint8Array>,
  listener: Frames.Listener,
  onChunk: () => void
): Promise<Failures.Outcome> => {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
  const events = makeSseReader()
  let failure: Failures.Failure | undefined
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return failure ?? { kind: "cut" }
    onChunk()
    // Renders once per chunk.
    let text = ""
    let isDone = false
    for (const frame of events(value).map(Frames.parse)) {
      switch (frame?.type) {
        case "start":
          listener.onStart(frame)
          break
        case "begin":
          // Each text of an answer is a paragraph.
          if (length + text.length > 0) text += "\n\n"
          break
        case "text":
          text += frame.delta
          listener.onActivity("")
          break
        case "source":
          listener.onSource(frame.source)
          break
        case "activity":
          listener.onActivity(frame.activity)
          break
        case "error":
          failure = { kind: "broken", sentence: frame.sentence }
          break
        case "done":
          isDone = true
      }
    }
    length += text.length
    if (length > Limits.maxAnswer) return { kind: "cut" }
    if (text !== "") listener.onText(text)
    if (isDone) return failure ?? "done"
  }
}

/**
 * Reads the answer in a response. Never rejects. Aborting `stop` ends the reception; a reception that ends by itself aborts
 * `stop`.
 *
 * @param onEmpty returns the outcome of a response with status 204
 */
const receive = async (
  pending: Promise<Response>,
  listener: Frames.Listener,
  stop: AbortController,
  onEmpty: () => Promise<Failures.Outcome>
): Promise<Failures.Outcome> => {
  const { signal } = stop
  let timer: ReturnType<typeof setTimeout> | undefined
  let isSilent = false
  /** What a failure means now. A device that was offline since the edge was last heard of may be online again when it fails. */
  let kind: Failures.FailureKind = navigator.onLine ? "network" : "offline"
  const onOffline = () => {
    kind = "offline"
  }
  addEventListener("offline", onOffline, { signal })
  const restartTimer = () => {
    kind = "cut"
    clearTimeout(timer)
    timer = setTimeout(() => {
      isSilent = true
      stop.abort()
    }, Limits.maxSilence)
  }
  try {
    const response = await pending
    kind = "cut"
    const { body, headers, ok, status } = response
    if (status === 422) return Failures.fromErrors(await response.text())
    if (!ok) {
      const conversationId = headers.get("x-hydracore-conversation")
      if (conversationId) listener.onStart({ conversationId, messageId: "", memory: true })
      return Failures.fromStatus(status, headers.get("retry-after"))
    }
    if (status === 204) return await onEmpty()
    if (body === null || !headers.get("content-type")?.startsWith("text/event-stream")) return { kind: "unexpected" }
    restartTimer()
    return await readStream(body, listener, restartTimer)
  } catch {
    if (signal.aborted && !isSilent) return "stopped"
    return { kind: navigator.onLine ? kind : "offline" }
  } finally {
    clearTimeout(timer)
    // Ends a request whose response is not read to its end, and the listener.
    stop.abort()
  }
}

/** Sends a question, receives its answer, and returns how the reception ended. */
export const send = (
  endpoint: Endpoint,
  question: { readonly message: string; readonly conversation_id: string | null },
  listener: Frames.Listener,
  stop: AbortController
): Promise<Failures.Outcome> =>
  receive(request(endpoint, "", question, { signal: stop.signal }), listener, stop, async () => ({
    kind: "unexpected"
  }))

/** Receives the answer to the last question, running or ended, from its beginning. Returns how the reception ended. */
export const resume = async (
  endpoint: Endpoint,
  conversationId: string,
  question: string,
  listener: Frames.Listener,
  stop: AbortController
): Promise<Failures.Outcome> => {
  const { signal } = stop
  const path = `/${encodeURIComponent(conversationId)}`
  const outcome = await receive(
    request(endpoint, `${path}/stream`, undefined, { signal }),
    listener,
    stop,
    async () => {
      const response = await request(endpoint, path, undefined, { signal })
      if (!response.ok) return Failures.fromStatus(response.status, response.headers.get("retry-after"))
      const { messages } = (await response.json()) as { readonly messages: ReadonlyArray<Frames.StoredMessage> }
      return Frames.replayStored(messages, question, conversationId, listener)
    }
  )
  return typeof outcome === "object" && outcome.kind === "missing" ? "unknown" : outcome
}

/** Ends the running answer of a conversation, also while the page unloads. */
export const stopAnswer = (endpoint: Endpoint, conversationId: string): void => {
  const path = `/${encodeURIComponent(conversationId)}/stop`
  // If the request fails, the edge ends the answer by itself after a while.
  request(endpoint, path, undefined, { method: "POST", keepalive: true }).catch(() => {})
}

/** When to offer the visitor to leave an address, and the website that gets it. */
export interface ContactOffer {
  readonly offer: "failed" | "always" | "off"
  readonly site_id: string | null
}

/** The id of an endpoint's instance. */
export const instanceOf = ({ url }: Endpoint): string => url.split("/").at(-2)!

/** Reads the offer of an instance. Undefined if it cannot be read now. */
export const contactOffer = async (endpoint: Endpoint): Promise<ContactOffer | undefined> => {
  try {
    const response = await request(endpoint, "/../contact")
    return response.ok ? await response.json() : undefined
  } catch {
    return undefined
  }
}

/** A random key. `crypto.randomUUID` requires a page with TLS. */
export const newKey = (): string => crypto.getRandomValues(new Uint32Array(4)).join("-")

/** Sends a submission, and returns the name of the sentence that says how that ended. */
export const leaveAddress = async (
  endpoint: Endpoint,
  key: string,
  submission: unknown
): Promise<"contacted" | "contactRefused" | "limited" | "unexpected"> => {
  try {
    const { ok, status } = await request(endpoint, "/../../../forms/submit", submission, {
      headers: { "content-type": "application/json", "idempotency-key": key }
    })
    return ok ? "contacted" : status === 422 ? "contactRefused" : status === 429 ? "limited" : "unexpected"
  } catch {
    return "unexpected"
  }
}

/** Rates an answer. Returns whether the edge has stored the rating. */
export const rate = async (
  endpoint: Endpoint,
  conversationId: string,
  messageId: string,
  rating: Rating
): Promise<boolean> => {
  try {
    const body = { message_id: messageId, rating }
    return (await request(endpoint, `/${encodeURIComponent(conversationId)}/feedback`, body)).ok
  } catch {
    return false
  }
}
