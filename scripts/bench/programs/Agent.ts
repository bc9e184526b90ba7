/**
 * An agent with the OpenAI chat-completions protocol. The user's message is a script in JSON:
 *
 * - `{"tokens": 200, "batch": 1}`: sends tokens as fast as the client reads, `batch` tokens in each write. Each token ends
 *   with a tilde, and no other byte of the stream is a tilde.
 * - `{"tokens": 100, "everyMillis": 20}`: sends one token at a time. Each is `~<time>~` with the nanoseconds of the
 *   monotonic clock, which all processes of a machine share.
 * - `{"hold": true}`: sends one token, and then nothing until the client disconnects.
 *
 * Any other message, such as the question of `instance create`, is answered with one token.
 *
 * `PORT` is the port to listen on.
 *
 * @module
 */
import { createServer, type ServerResponse } from "node:http"

interface Script {
  readonly tokens?: number
  readonly batch?: number
  readonly everyMillis?: number
  readonly hold?: boolean
}

const frame = (delta: object, finish: string | null): string =>
  `data: ${JSON.stringify({
    id: "chatcmpl-bench",
    object: "chat.completion.chunk",
    created: 1_760_000_000,
    model: "bench",
    choices: [{ index: 0, delta, finish_reason: finish }]
  })}\n\n`

const opening = frame({ role: "assistant", content: "" }, null)
const ending = `${frame({}, "stop")}data: [DONE]\n\n`
const token = frame({ content: " word~" }, null)

const parseScript = (body: string): Script => {
  const request = JSON.parse(body) as { readonly messages: ReadonlyArray<{ readonly content: string }> }
  const message = request.messages.at(-1)?.content ?? ""
  return message.startsWith("{") ? (JSON.parse(message) as Script) : {}
}

/** The responses that send as fast as the client reads, and how many tokens each still has to send. */
const sending = new Map<ServerResponse, { left: number; readonly batch: number }>()
let scheduled = false

/** Writes once to each response per turn of the event loop, so that the streams interleave as in production. */
const writeAll = (): void => {
  for (const [response, state] of sending) {
    if (response.writableNeedDrain) continue
    const count = Math.min(state.batch, state.left)
    state.left -= count
    response.write(token.repeat(count))
    if (state.left > 0) continue
    sending.delete(response)
    response.end(ending)
  }
  scheduled = [...sending.keys()].some((response) => !response.writableNeedDrain)
  if (scheduled) setImmediate(writeAll)
}

const schedule = (): void => {
  if (scheduled) return
  scheduled = true
  setImmediate(writeAll)
}

const sendFast = (response: ServerResponse, tokens: number, batch: number): void => {
  sending.set(response, { left: tokens, batch })
  response.on("drain", schedule)
  response.once("close", () => sending.delete(response))
  schedule()
}

const timeStampedToken = (): string => frame({ content: `~${process.hrtime.bigint()}~` }, null)

const sendPaced = (response: ServerResponse, tokens: number, everyMillis: number): void => {
  let left = tokens
  const sendOne = () => {
    response.write(timeStampedToken())
    left--
    if (left > 0) return
    clearInterval(timer)
    response.end(ending)
  }
  const timer = setInterval(sendOne, everyMillis)
  response.once("close", () => clearInterval(timer))
  sendOne()
}

const server = createServer((request, response) => {
  const parts: Array<Buffer> = []
  request.on("data", (part: Buffer) => parts.push(part))
  request.on("end", () => {
    const script = parseScript(Buffer.concat(parts).toString("utf8"))
    response.socket?.setNoDelay(true)
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" })
    response.write(opening)
    if (script.hold === true) response.write(timeStampedToken())
    else if (script.everyMillis !== undefined) sendPaced(response, script.tokens ?? 1, script.everyMillis)
    else sendFast(response, script.tokens ?? 1, script.batch ?? 1)
  })
})
server.keepAliveTimeout = 60_000

process.once("SIGTERM", () => process.exit(0))
server.listen({ port: Number(process.env["PORT"]), host: "127.0.0.1", backlog: 4096 })
