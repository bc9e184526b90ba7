/**
 * Reads a service's answers: each function gives what it looks for, or throws `Unexpected` with the reason. Pure.
 *
 * @module
 */

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Ends a check, or the whole run, with a reason. */
export class Unexpected extends Error {}

export const expect = (holds: boolean, otherwise: string): void => {
  if (!holds) throw new Unexpected(otherwise)
}

export const shorten = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}...` : text)

export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new Unexpected(`not JSON: ${shorten(text)}`)
  }
}

export interface Answer {
  readonly what: string
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export const header = (answer: Answer, name: string): string => answer.headers.get(name) ?? ""

/** The sentence of a refusal. */
export const sentence = (answer: Answer): string => {
  const body = parseJson(answer.text)
  const detail = isRecord(body) ? body["detail"] : undefined
  if (typeof detail !== "string" || detail === "") throw new Unexpected(`no detail in ${shorten(answer.text)}`)
  return detail
}

/** The faults of a 422, each as "loc type". */
export const faults = (answer: Answer): ReadonlyArray<string> => {
  const body = parseJson(answer.text)
  const detail = isRecord(body) ? body["detail"] : undefined
  if (!Array.isArray(detail) || detail.length === 0) throw new Unexpected(`no list in ${shorten(answer.text)}`)
  return detail.map((fault: unknown) => {
    if (!isRecord(fault)) throw new Unexpected(`a fault is no object: ${shorten(answer.text)}`)
    const { loc, msg, type } = fault
    const located = Array.isArray(loc) && loc.every((part) => typeof part === "string" || Number.isInteger(part))
    if (!located || typeof msg !== "string" || typeof type !== "string") {
      throw new Unexpected(`a fault has not the published shape: ${shorten(JSON.stringify(fault))}`)
    }
    return `${loc.join(".")} ${type}`
  })
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const submissionId = (answer: Answer): string => {
  const body = parseJson(answer.text)
  const id = isRecord(body) && body["status"] === "received" ? body["submission_id"] : undefined
  if (typeof id !== "string" || !uuid.test(id)) throw new Unexpected(`no receipt: ${shorten(answer.text)}`)
  return id
}

/**
 * Addresses of other hosts from which a page's markup and styles load something. What its inlined scripts may load later
 * cannot be told from their text.
 */
export const foreignAssets = (html: string): ReadonlyArray<string> => {
  const markup = html.replace(/(<script\b[^>]*>)[\s\S]*?<\/script\s*>/gi, "$1").replace(/<!--[\s\S]*?-->/g, "")
  const attributes = /<(?!a\b)[a-z][^>]*?\s(?:src|href|srcset|data|poster)\s*=\s*["']?\s*((?:https?:)?\/\/[^"'\s>]+)/gi
  const styles = /(?:url\(\s*["']?|@import\s+["'])\s*((?:https?:)?\/\/[^"')\s]+)/gi
  return [attributes, styles].flatMap((pattern) => [...markup.matchAll(pattern)].map((match) => match[1] ?? ""))
}

/** The frames of an event stream: JSON objects, and `[DONE]` at the end. Comments are passed over. */
const frames = (text: string): ReadonlyArray<Readonly<Record<string, unknown>>> => {
  expect(text.endsWith("\n\n"), `the stream ends in the middle of a frame: ${shorten(text.slice(-100))}`)
  const data = text
    .slice(0, -2)
    .split("\n\n")
    .filter((block) => !/^:[^\n]*$/.test(block))
    .map((block) => {
      if (!/^data: [^\r\n]+$/.test(block)) throw new Unexpected(`not a frame: ${shorten(block)}`)
      return block.slice("data: ".length)
    })
  expect(data.at(-1) === "[DONE]", "the stream does not end with [DONE]")
  return data.slice(0, -1).map((json) => {
    const frame = parseJson(json)
    if (!isRecord(frame)) throw new Unexpected(`a frame is no object: ${shorten(json)}`)
    return frame
  })
}

/** What an answer of the chat says, if it is a whole and well-formed one. */
export const readChat = (
  answer: Answer
): { readonly conversationId: string; readonly text: string; readonly deltas: number } => {
  expect(header(answer, "content-type").startsWith("text/event-stream"), "the content type is not text/event-stream")
  expect(header(answer, "cache-control").includes("no-transform"), "Cache-Control lets a proxy change the stream")
  expect(header(answer, "x-accel-buffering") === "no", "X-Accel-Buffering lets a proxy hold the stream back")
  expect(header(answer, "x-vercel-ai-ui-message-stream") === "v1", "X-Vercel-AI-UI-Message-Stream is not v1")
  const all = frames(answer.text)
  const error = all.find((frame) => frame["type"] === "error")
  expect(error === undefined, `the agent failed: ${shorten(String(error?.["errorText"]))}`)
  const order = all.map((frame) => frame["type"]).join(" ")
  expect(/^start text-start( text-delta)+ text-end finish$/.test(order), `the frames come as: ${shorten(order)}`)
  const texts = all.filter((frame) => String(frame["type"]).startsWith("text-"))
  expect(new Set(texts.map((frame) => frame["id"])).size === 1, "the frames of one text have different ids")
  const deltas = texts.filter((frame) => frame["type"] === "text-delta").map((frame) => frame["delta"])
  expect(
    deltas.every((delta) => typeof delta === "string" && delta !== ""),
    "a delta is not a text"
  )
  const metadata = all[0]?.["messageMetadata"]
  const conversationId = isRecord(metadata) ? metadata["conversation_id"] : undefined
  if (typeof conversationId !== "string" || conversationId === "") throw new Unexpected("no conversation_id is told")
  return { conversationId, text: deltas.join(""), deltas: deltas.length }
}

/** An answer without what may differ between two answers to the same thing. */
export const comparable = (answer: Answer) => ({
  status: answer.status,
  text: answer.text,
  headers: [...answer.headers].filter(([name]) => name !== "date" && name !== "ratelimit")
})

/** A website on another origin: what the endpoints are published for. */
export const origin = "https://www.example.com"

/** An answer that a script of that website may read, with the fields that tell it when to come back. */
export const readable = (answer: Answer): Answer => {
  const allowed = header(answer, "access-control-allow-origin")
  expect(
    allowed === "*" || allowed === origin,
    `${answer.what}, ${answer.status}: Access-Control-Allow-Origin is "${allowed}"`
  )
  const exposed = header(answer, "access-control-expose-headers").toLowerCase()
  expect(
    answer.what.startsWith("OPTIONS") || exposed.includes("retry-after"),
    `${answer.what}, ${answer.status}: Access-Control-Expose-Headers is "${exposed}"`
  )
  return answer
}

/** What an answer tells of the limit: its policy as it is sent, and how many more would be accepted. */
export const limit = (answer: Answer): { readonly policy: string; readonly remaining: number } => {
  const policy = header(answer, "ratelimit-policy")
  const fields = /^"[a-z]+";r=(\d+);t=\d+$/.exec(header(answer, "ratelimit"))
  if (fields === null || !/^"[a-z]+";q=\d+;w=\d+$/.test(policy)) {
    throw new Unexpected(`${answer.what}, ${answer.status}: no RateLimit and RateLimit-Policy; is the limit off?`)
  }
  return { policy, remaining: Number(fields[1]) }
}

/** The different statuses of answers, in order. */
export const statuses = (answers: ReadonlyArray<Answer>): string =>
  [...new Set(answers.map((answer) => answer.status))].toSorted((left, right) => left - right).join(", ")
