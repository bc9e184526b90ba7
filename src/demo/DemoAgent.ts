/**
 * A small OpenAI-compatible agent on a loopback port, which the service calls over HTTP, as it calls any agent. It always streams. It
 * has no model: it repeats the visitor's messages, and knows the list of the website's tours.
 *
 * @module
 */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { ByteSize, Duration, Effect, Option, Schema, type Scope, Stream } from "effect"
import {
  HttpIncomingMessage,
  HttpServer,
  type HttpServerError,
  HttpServerRequest,
  HttpServerResponse
} from "effect/http"
import { hydracore } from "../platform/text/CommandName.ts"

/** The maximum number of characters of a message that an answer repeats. */
const maxEcho = 200

/** An answer and its source. */
export interface DemoAnswer {
  /** Markdown. */
  readonly text: string
  /** The page of the demo's website that the answer cites; null for none. */
  readonly source: { readonly path: string; readonly title: string } | null
}

const tours = `| Tour | Hours | Price |
|:--|--:|--:|
| First strokes | 3 | € 75 |
| Across the arm | 8 | € 140 |
| Under the midnight sun | 48 | € 390 |`

const opening = (message: string): string => {
  if (/^\s*(hi|hello|hey|good (morning|afternoon|evening))\b/i.test(message)) return "Hello, and welcome!"
  if (/\bthank(s| you)\b/i.test(message)) return "You are welcome."
  if (/\b(bye|goodbye|see you)\b/i.test(message)) return "Goodbye, and come back soon."
  if (/\?\s*$/.test(message)) return "Good question."
  return "I see."
}

const isAboutTours = (message: string): boolean =>
  /\b(tours?|trips?|prices?|costs?|pay|book|days?|hours?|long|child|children|kids?|beginners?|offer)\b/i.test(message)

/** The message on one line, truncated to `maxEcho` code points. */
const echo = (message: string): string => {
  const characters = Array.from(message.toWellFormed().replace(/\s+/g, " ").trim())
  return characters.length > maxEcho ? `${characters.slice(0, maxEcho).join("")}…` : characters.join("")
}

const quote = (message: string): string => {
  const words = echo(message)
  return words === "" ? "You sent an empty message." : `You wrote: “${words}”`
}

const about = `I am the **demo agent**. I have no model, but I use the same protocol as agents that do, so this answer takes the real path, token by token. Create an instance with the URL of your own agent, and put its chat on your website:

\`\`\`sh
${hydracore} instance create \\
  --name Support --agent-url http://localhost:9000
\`\`\``

/** The answer to the last of a visitor's messages. `messages` begins with the oldest. */
export const answer = (messages: ReadonlyArray<string>): DemoAnswer => {
  const message = messages.at(-1) ?? ""
  const before = messages.at(-2)
  const asksAboutTours = isAboutTours(message)
  const memory =
    before === undefined
      ? []
      : [`This is message ${messages.length} of our conversation, and I remember the one before: “${echo(before)}”`]
  const paragraphs = [
    `${opening(message)} ${quote(message)}`,
    ...memory,
    ...(asksAboutTours ? ["These are our tours, every day from April to October:", tours] : []),
    ...(before === undefined ? [about] : [])
  ]
  return {
    text: paragraphs.join("\n\n"),
    source: asksAboutTours ? { path: "/demo/site/tours", title: "Tours · Fjordlight Kayaks" } : null
  }
}

/** Splits an answer into words, each with the space before it. Joined, they are the answer. */
export const tokens = (text: string): ReadonlyArray<string> => text.match(/\s*\S+|\s+/g) ?? []

export interface Options {
  /** The delay before each token. */
  readonly pace?: Duration.Input
  /** The origin of the website. Answers cite its pages; without this option, they cite nothing. */
  readonly website?: Effect.Effect<string>
}

const maxBody = ByteSize.kibibytes(512)

const Request = Schema.Struct({
  model: Schema.optional(Schema.NullOr(Schema.String)),
  messages: Schema.NonEmptyArray(Schema.Struct({ role: Schema.String, content: Schema.Unknown }))
})
type Request = typeof Request.Type

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
  const { source, text } = answer(messagesOf(request))
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
    ...tokens(text).map((content) => chunk(model, { content }, null)),
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

const makeApp = (options: Options) => {
  const pace = options.pace ?? Duration.millis(30)
  return Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (request.url !== "/v1/chat/completions") return failure(404, "There is only /v1/chat/completions.")
    if (request.method !== "POST") return failure(405, "Use POST.")
    const body = yield* HttpServerRequest.schemaBodyJson(Request).pipe(
      Effect.provideService(HttpIncomingMessage.MaxBodySize, maxBody),
      Effect.option
    )
    if (Option.isNone(body)) return failure(400, "The body is not a chat completion request.")
    const answer = yield* answerTo(body.value, options.website)
    return streamed(body.value.model ?? "demo", answer, pace)
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
