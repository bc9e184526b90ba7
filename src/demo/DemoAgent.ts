/**
 * A small OpenAI-compatible agent on a loopback port, so that the demo needs no model. The service calls it over HTTP, as
 * it calls any agent.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto"
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { ByteSize, Duration, Effect, Option, Redacted, Schema, type Scope, Stream } from "effect"
import {
  HttpIncomingMessage,
  HttpServer,
  type HttpServerError,
  HttpServerRequest,
  HttpServerResponse
} from "effect/http"
import * as DemoAnswer from "./DemoAnswer.ts"

export interface Options {
  /** The bearer key that requests must carry; without this option, requests need no key. */
  readonly key?: Redacted.Redacted
  /** The delay before each token. */
  readonly pace?: Duration.Input
  /** The origin of the website. Answers cite its pages; without this option, they cite nothing. */
  readonly website?: Effect.Effect<string>
}

const maxBody = ByteSize.kibibytes(512)

const Request = Schema.Struct({
  stream: Schema.optional(Schema.NullOr(Schema.Boolean)),
  model: Schema.optional(Schema.NullOr(Schema.String)),
  messages: Schema.NonEmptyArray(Schema.Struct({ role: Schema.String, content: Schema.Unknown }))
})
type Request = typeof Request.Type

const digest = (text: string): string => createHash("sha256").update(text).digest("base64")

const isAuthorized = (key: Redacted.Redacted, authorization: string | undefined): boolean =>
  timingSafeEqual(Buffer.from(digest(`Bearer ${Redacted.value(key)}`)), Buffer.from(digest(authorization ?? "")))

const failure = (status: number, message: string) =>
  HttpServerResponse.jsonUnsafe({ error: { message, type: "invalid_request_error" } }, { status })

/** The visitor's messages, oldest first. */
const messagesOf = (request: Request): ReadonlyArray<string> =>
  request.messages
    .filter(({ role }) => role === "user")
    .map(({ content }) => (typeof content === "string" ? content : ""))

/** An answer, with its source as an annotation of the protocol. */
interface Answer {
  readonly text: string
  readonly annotations: ReadonlyArray<object>
}

const answerTo = (request: Request, website: Effect.Effect<string> | undefined): Effect.Effect<Answer> => {
  const { source, text } = DemoAnswer.answer(messagesOf(request))
  if (source === null || website === undefined) return Effect.succeed({ text, annotations: [] })
  return Effect.map(website, (origin) => ({
    text,
    annotations: [{ type: "url_citation", url_citation: { url: origin + source.path, title: source.title } }]
  }))
}

const chunk = (model: string, delta: object, finishReason: string | null): string =>
  `data: ${JSON.stringify({
    object: "chat.completion.chunk",
    model,
    choices: [{ index: 0, delta, finish_reason: finishReason }]
  })}\n\n`

const streamed = (model: string, { annotations, text }: Answer, pace: Duration.Input) => {
  const chunks = [
    // Twenty chunks of reasoning, so that the chat shows that the agent is thinking.
    chunk(model, { role: "assistant", content: "", reasoning_content: "What do I know about this?" }, null),
    ...Array.from({ length: 19 }, () => chunk(model, { reasoning_content: "…" }, null)),
    ...DemoAnswer.tokens(text).map((content) => chunk(model, { content }, null)),
    ...(annotations.length === 0 ? [] : [chunk(model, { annotations }, null)]),
    `${chunk(model, {}, "stop")}data: [DONE]\n\n`
  ]
  return HttpServerResponse.stream(
    Stream.fromIterable(chunks).pipe(
      Stream.mapEffect((text) => Effect.delay(Effect.succeed(text), pace)),
      Stream.encodeText
    ),
    { contentType: "text/event-stream", headers: { "cache-control": "no-cache" } }
  )
}

const whole = (model: string, { annotations, text }: Answer) =>
  HttpServerResponse.jsonUnsafe({
    object: "chat.completion",
    model,
    choices: [{ index: 0, message: { role: "assistant", content: text, annotations }, finish_reason: "stop" }]
  })

const makeApp = (options: Options) => {
  const pace = options.pace ?? Duration.millis(30)
  return Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (request.url !== "/v1/chat/completions") return failure(404, "There is only /v1/chat/completions.")
    if (request.method !== "POST") return failure(405, "Use POST.")
    if (options.key !== undefined && !isAuthorized(options.key, request.headers["authorization"])) {
      return failure(401, "The bearer key is missing or wrong.")
    }
    const body = yield* HttpServerRequest.schemaBodyJson(Request).pipe(
      Effect.provideService(HttpIncomingMessage.MaxBodySize, maxBody),
      Effect.option
    )
    if (Option.isNone(body)) return failure(400, "The body is not a chat completion request.")
    const answer = yield* answerTo(body.value, options.website)
    const model = body.value.model ?? "demo"
    return body.value.stream === true ? streamed(model, answer, pace) : whole(model, answer)
  })
}

/**
 * Starts the agent on a free loopback port and returns its base URL, without a trailing slash. The agent runs while the scope
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
