/**
 * An agent that speaks OpenAI's chat completions and says what the message asks for, a JSON text:
 *
 * - `{"tokens": 200, "batch": 1}`: so many tokens, as fast as they are taken, `batch` of them a write; each token ends
 *   with a tilde, and no other byte of the stream is one.
 * - `{"tokens": 100, "everyMillis": 20}`: one token at a time, each `~` and the nanoseconds of the monotonic clock (which
 *   all processes of a machine share) and `~`.
 * - `{"hold": true}`: one token, and then nothing until the client goes.
 *
 * `PORT` says where.
 *
 * @module
 */
import { createServer, type ServerResponse } from "node:http"

interface Order {
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

const orderOf = (body: string): Order => {
  const request = JSON.parse(body) as { readonly messages: ReadonlyArray<{ readonly content: string }> }
  return JSON.parse(request.messages.at(-1)?.content ?? "{}") as Order
}

/** Those that talk as fast as they are listened to, and how many tokens each has left. */
const talking = new Map<ServerResponse, { left: number; readonly batch: number }>()
let turning = false

/** One write for each of them, again and again, so that many streams are interleaved as in life. */
const turn = (): void => {
  for (const [response, state] of talking) {
    if (response.writableNeedDrain) continue
    const count = Math.min(state.batch, state.left)
    state.left -= count
    response.write(token.repeat(count))
    if (state.left > 0) continue
    talking.delete(response)
    response.end(ending)
  }
  turning = [...talking.keys()].some((response) => !response.writableNeedDrain)
  if (turning) setImmediate(turn)
}

const wake = (): void => {
  if (turning) return
  turning = true
  setImmediate(turn)
}

const talk = (response: ServerResponse, tokens: number, batch: number): void => {
  talking.set(response, { left: tokens, batch })
  response.on("drain", wake)
  response.once("close", () => talking.delete(response))
  wake()
}

const stamped = (): string => frame({ content: `~${process.hrtime.bigint()}~` }, null)

const pace = (response: ServerResponse, tokens: number, everyMillis: number): void => {
  let left = tokens
  const say = () => {
    response.write(stamped())
    left--
    if (left > 0) return
    clearInterval(timer)
    response.end(ending)
  }
  const timer = setInterval(say, everyMillis)
  response.once("close", () => clearInterval(timer))
  say()
}

const server = createServer((request, response) => {
  const parts: Array<Buffer> = []
  request.on("data", (part: Buffer) => parts.push(part))
  request.on("end", () => {
    const order = orderOf(Buffer.concat(parts).toString("utf8"))
    response.socket?.setNoDelay(true)
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" })
    response.write(opening)
    if (order.hold === true) response.write(stamped())
    else if (order.everyMillis !== undefined) pace(response, order.tokens ?? 1, order.everyMillis)
    else talk(response, order.tokens ?? 1, order.batch ?? 1)
  })
})
server.keepAliveTimeout = 60_000

process.once("SIGTERM", () => process.exit(0))
server.listen({ port: Number(process.env["PORT"]), host: "127.0.0.1", backlog: 4096 })
