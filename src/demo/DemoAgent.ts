/**
 * A small OpenAI-compatible agent on a loopback port, so that the demo needs no model. The service calls it over HTTP, as
 * it calls any agent.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto"
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { ByteSize, Duration, Effect, Redacted, Schema, type Scope, Stream } from "effect"
import {
  HttpIncomingMessage,
  HttpServer,
  type HttpServerError,
  HttpServerRequest,
  HttpServerResponse
} from "effect/http"
import * as DemoAnswer from "./DemoAnswer.ts"

export interface Options {
  /** The bearer key that requests need; without it, none. */
  readonly key?: Redacted.Redacted
  /** The delay before each token. */
  readonly pace?: Duration.Input
}

/** The most conversations that are tracked. The least recently used one is evicted. */
const maxConversations = 1000

const maxBody = ByteSize.kibibytes(512)

const Request = Schema.Struct({
  stream: Schema.optional(Schema.NullOr(Schema.Boolean)),
  model: Schema.optional(Schema.NullOr(Schema.String)),
  user: Schema.optional(Schema.NullOr(Schema.String)),
  messages: Schema.NonEmptyArray(Schema.Struct({ role: Schema.String, content: Schema.Unknown }))
})
type Request = typeof Request.Type

const digest = (text: string): string => createHash("sha256").update(text).digest("base64")

const carries = (key: Redacted.Redacted, authorization: string | undefined): boolean =>
  timingSafeEqual(Buffer.from(digest(`Bearer ${Redacted.value(key)}`)), Buffer.from(digest(authorization ?? "")))

const failure = (status: number, message: string) =>
  HttpServerResponse.jsonUnsafe({ error: { message, type: "invalid_request_error" } }, { status })

/** Counts the messages per conversation. Keyed by a digest, so that a long name takes no more memory. */
const makeTurns = () => {
  const turns = new Map<string, number>()
  return (user: string): number => {
    const key = digest(user)
    const turn = (turns.get(key) ?? 0) + 1
    turns.delete(key)
    turns.set(key, turn)
    if (turns.size > maxConversations) turns.delete(turns.keys().next().value!)
    return turn
  }
}

const lastMessage = (request: Request): string => {
  const content = request.messages.findLast((message) => message.role === "user")?.content
  return typeof content === "string" ? content : ""
}

const chunk = (model: string, delta: object, finishReason: string | null): string =>
  `data: ${JSON.stringify({
    object: "chat.completion.chunk",
    model,
    choices: [{ index: 0, delta, finish_reason: finishReason }]
  })}\n\n`

const streamed = (model: string, text: string, pace: Duration.Input) =>
  HttpServerResponse.stream(
    Stream.succeed(chunk(model, { role: "assistant", content: "" }, null)).pipe(
      Stream.concat(
        Stream.fromIterable(DemoAnswer.tokens(text)).pipe(
          Stream.mapEffect((token) => Effect.delay(Effect.succeed(chunk(model, { content: token }, null)), pace))
        )
      ),
      Stream.concat(Stream.succeed(`${chunk(model, {}, "stop")}data: [DONE]\n\n`)),
      Stream.encodeText
    ),
    { contentType: "text/event-stream", headers: { "cache-control": "no-cache" } }
  )

const whole = (model: string, text: string) =>
  HttpServerResponse.jsonUnsafe({
    object: "chat.completion",
    model,
    choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }]
  })

const makeApp = (options: Options) => {
  const nextTurn = makeTurns()
  const pace = options.pace ?? Duration.millis(30)
  return Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (request.url !== "/v1/chat/completions") return failure(404, "There is only /v1/chat/completions.")
    if (request.method !== "POST") return failure(405, "Use POST.")
    if (options.key !== undefined && !carries(options.key, request.headers["authorization"])) {
      return failure(401, "The bearer key is missing or wrong.")
    }
    const body = yield* HttpServerRequest.schemaBodyJson(Request).pipe(
      Effect.provideService(HttpIncomingMessage.MaxBodySize, maxBody),
      Effect.option
    )
    if (body._tag === "None") return failure(400, "The body is not a chat completion request.")
    const text = DemoAnswer.answer(lastMessage(body.value), nextTurn(body.value.user ?? ""))
    const model = body.value.model ?? "demo"
    return body.value.stream === true ? streamed(model, text, pace) : whole(model, text)
  })
}

/**
 * Starts the agent on a free loopback port and returns its base URL, without a trailing slash. It listens while the scope
 * is open.
 */
export const start = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<{ readonly url: string }, HttpServerError.ServeError, Scope.Scope> {
  const server = yield* NodeHttpServer.make(() => createServer(), {
    host: "127.0.0.1",
    port: 0,
    gracefulShutdownTimeout: Duration.zero
  })
  yield* server.serve(makeApp(options))
  return { url: HttpServer.formatAddress(server.address) }
})
