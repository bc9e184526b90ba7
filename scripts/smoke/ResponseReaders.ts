/**
 * Reads a service's responses. A function throws `CheckFailed` if a value that it requires is missing or malformed. Pure.
 *
 * @module
 */

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Why a check, or the whole run, failed. */
export class CheckFailed extends Error {}

export const expect = (holds: boolean, otherwise: string): void => {
  if (!holds) throw new CheckFailed(otherwise)
}

export const shorten = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}...` : text)

export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new CheckFailed(`not JSON: ${shorten(text)}`)
  }
}

export interface HttpResponse {
  /** The method and path of its request. */
  readonly request: string
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export const header = (response: HttpResponse, name: string): string => response.headers.get(name) ?? ""

/** The `detail` of an error. */
export const detailOf = (response: HttpResponse): string => {
  const body = parseJson(response.text)
  const detail = isRecord(body) ? body["detail"] : undefined
  if (typeof detail !== "string" || detail === "") throw new CheckFailed(`no detail in ${shorten(response.text)}`)
  return detail
}

/** The errors of a 422, each as "loc type". */
export const fieldErrors = (response: HttpResponse): ReadonlyArray<string> => {
  const body = parseJson(response.text)
  const detail = isRecord(body) ? body["detail"] : undefined
  if (!Array.isArray(detail) || detail.length === 0) throw new CheckFailed(`no list in ${shorten(response.text)}`)
  return detail.map((error: unknown) => {
    if (!isRecord(error)) throw new CheckFailed(`an error is not an object: ${shorten(response.text)}`)
    const { loc, msg, type } = error
    const located = Array.isArray(loc) && loc.every((part) => typeof part === "string" || Number.isInteger(part))
    if (!located || typeof msg !== "string" || typeof type !== "string") {
      throw new CheckFailed(`an error does not have the published shape: ${shorten(JSON.stringify(error))}`)
    }
    return `${loc.join(".")} ${type}`
  })
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const submissionId = (response: HttpResponse): string => {
  const body = parseJson(response.text)
  const id = isRecord(body) && body["status"] === "received" ? body["submission_id"] : undefined
  if (typeof id !== "string" || !uuid.test(id)) throw new CheckFailed(`not a receipt: ${shorten(response.text)}`)
  return id
}

/**
 * The URLs on other hosts that a page's markup and styles load. What its inlined scripts load later is unknown.
 */
export const foreignAssets = (html: string): ReadonlyArray<string> => {
  const markup = html.replace(/(<script\b[^>]*>)[\s\S]*?<\/script\s*>/gi, "$1").replace(/<!--[\s\S]*?-->/g, "")
  const attributes = /<(?!a\b)[a-z][^>]*?\s(?:src|href|srcset|data|poster)\s*=\s*["']?\s*((?:https?:)?\/\/[^"'\s>]+)/gi
  const styles = /(?:url\(\s*["']?|@import\s+["'])\s*((?:https?:)?\/\/[^"')\s]+)/gi
  return [attributes, styles].flatMap((pattern) => [...markup.matchAll(pattern)].map((match) => match[1] ?? ""))
}

/** The frames of an event stream: JSON objects, and `[DONE]` at the end. Comments are skipped. */
const frames = (text: string): ReadonlyArray<Readonly<Record<string, unknown>>> => {
  expect(text.endsWith("\n\n"), `the stream ends in the middle of a frame: ${shorten(text.slice(-100))}`)
  const data = text
    .slice(0, -2)
    .split("\n\n")
    .map((block) => block.replace(/^(:[^\n]*(\n|$))+/, ""))
    .filter((block) => block !== "")
    .map((block) => {
      if (!/^data: [^\r\n]+$/.test(block)) throw new CheckFailed(`not a frame: ${shorten(block)}`)
      return block.slice("data: ".length)
    })
  expect(data.at(-1) === "[DONE]", "the stream does not end with [DONE]")
  return data.slice(0, -1).map((json) => {
    const frame = parseJson(json)
    if (!isRecord(frame)) throw new CheckFailed(`a frame is not an object: ${shorten(json)}`)
    return frame
  })
}

/** The conversation id and text of a chat response, which must be complete and well-formed. */
export const readChat = (
  response: HttpResponse
): { readonly conversationId: string; readonly text: string; readonly deltas: number } => {
  expect(header(response, "content-type").startsWith("text/event-stream"), "the content type is not text/event-stream")
  expect(header(response, "cache-control").includes("no-transform"), "Cache-Control lets a proxy change the stream")
  expect(header(response, "x-accel-buffering") === "no", "X-Accel-Buffering lets a proxy hold the stream back")
  expect(header(response, "x-vercel-ai-ui-message-stream") === "v1", "X-Vercel-AI-UI-Message-Stream is not v1")
  const all = frames(response.text)
  const error = all.find((frame) => frame["type"] === "error")
  expect(error === undefined, `the agent failed: ${shorten(String(error?.["errorText"]))}`)
  // Activity frames may occur anywhere and are not part of the message.
  const order = all.flatMap(({ type }) => (type === "data-activity" ? [] : [type])).join(" ")
  expect(/^start text-start( text-delta)+ text-end finish$/.test(order), `the frames come as: ${shorten(order)}`)
  const texts = all.filter((frame) => String(frame["type"]).startsWith("text-"))
  expect(new Set(texts.map((frame) => frame["id"])).size === 1, "the frames of one text have different ids")
  const deltas = texts.filter((frame) => frame["type"] === "text-delta").map((frame) => frame["delta"])
  expect(
    deltas.every((delta) => typeof delta === "string" && delta !== ""),
    "a delta is not a non-empty string"
  )
  const metadata = all[0]?.["messageMetadata"]
  const conversationId = isRecord(metadata) ? metadata["conversation_id"] : undefined
  if (typeof conversationId !== "string" || conversationId === "") throw new CheckFailed("there is no conversation_id")
  return { conversationId, text: deltas.join(""), deltas: deltas.length }
}

/** A response without the parts that may differ between responses to the same request. */
export const comparable = (response: HttpResponse) => ({
  status: response.status,
  text: response.text,
  headers: [...response.headers].filter(([name]) => name !== "date" && name !== "ratelimit")
})

/** The origin of a website that embeds the tracker, forms and chat. */
export const origin = "https://www.example.com"

/** Requires that a script on that website may read a response and its Retry-After. */
export const requireReadable = (response: HttpResponse): HttpResponse => {
  const allowed = header(response, "access-control-allow-origin")
  expect(
    allowed === "*" || allowed === origin,
    `${response.request}, ${response.status}: Access-Control-Allow-Origin is "${allowed}"`
  )
  const exposed = header(response, "access-control-expose-headers").toLowerCase()
  expect(
    response.request.startsWith("OPTIONS") || exposed.includes("retry-after"),
    `${response.request}, ${response.status}: Access-Control-Expose-Headers is "${exposed}"`
  )
  return response
}

/** The rate limit in a response: its policy as sent, and how many more requests would be accepted. */
export const limitOf = (response: HttpResponse): { readonly policy: string; readonly remaining: number } => {
  const policy = header(response, "ratelimit-policy")
  const fields = /^"[a-z]+";r=(\d+);t=\d+$/.exec(header(response, "ratelimit"))
  if (fields === null || !/^"[a-z]+";q=\d+;w=\d+$/.test(policy)) {
    throw new CheckFailed(
      `${response.request}, ${response.status}: RateLimit or RateLimit-Policy is missing; is the rate limit off?`
    )
  }
  return { policy, remaining: Number(fields[1]) }
}

/** The distinct statuses of responses, in ascending order. */
export const statuses = (responses: ReadonlyArray<HttpResponse>): string =>
  [...new Set(responses.map((response) => response.status))].toSorted((left, right) => left - right).join(", ")
