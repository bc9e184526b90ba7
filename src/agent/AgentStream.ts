/**
 * Asks any OpenAI-compatible runtime over HTTP and reads its answer as it comes.
 *
 * @module
 */
import { Array as Arr, Cause, Duration, Effect, Layer, Option, Pull, type Redacted, Result, Stream } from "effect"
import type { Sse as EffectSse } from "effect/encoding"
import { HttpClient, type HttpClientError, HttpClientRequest, type HttpClientResponse } from "effect/http"
import type { AgentEvent, AgentRequest } from "../core/Agent.ts"
import { AgentBroken, type AgentError, AgentRefused, AgentStream, AgentTimeout } from "../services/AgentStream.ts"
import * as Completion from "./Completion.ts"
import * as Sse from "./Sse.ts"

/** The longest event of a runtime's stream, in UTF-16 units. No token is near it. */
export const maxEventSize = 256 * 1024

/** The longest answer of a runtime that does not stream, in bytes. */
export const maxWholeSize = 1024 * 1024

export interface Options {
  /** How long the agent may be silent: before its headers come, and between any two events of its stream. */
  readonly timeout: Duration.Input
  /** The bearer key in an environment variable; none if it is not set. */
  readonly keyOf: (variable: string) => Effect.Effect<Option.Option<Redacted.Redacted>>
}

/** A system's code for a broken connection (`ECONNREFUSED`, ...), which is no word of the upstream's. */
const codeOf = (error: HttpClientError.HttpClientError): string => {
  const cause: unknown = error.cause
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{1,40}$/.test(code) ? ` (${code})` : ""
}

const refused = (reason: string) => new AgentRefused({ reason })
const broken = (reason: string) => new AgentBroken({ reason })

const accepted: AgentEvent = { _tag: "Accepted" }

/** The type of a response's body, without its parameters. */
const mediaType = (response: HttpClientResponse.HttpClientResponse): string =>
  (response.headers["content-type"] ?? "").split(";", 1)[0]!.trim().toLowerCase()

/** Reads events until one ends the answer. Only the time that is spent waiting for the agent counts as its silence. */
const answer = (
  events: Stream.Stream<EffectSse.Event, AgentBroken>,
  timeout: Duration.Duration
): Stream.Stream<AgentEvent, AgentBroken | AgentTimeout> =>
  Stream.transformPull(events, (upstream) =>
    Effect.sync(() => {
      type AnswerPull = Pull.Pull<Arr.NonEmptyReadonlyArray<AgentEvent>, AgentBroken | AgentTimeout>
      let ended: AnswerPull | undefined
      const timed = Effect.timeoutOrElse(upstream, {
        duration: timeout,
        orElse: () => Effect.fail(new AgentTimeout())
      })
      const pull = Pull.catchDone(timed, () => Effect.fail(broken("the agent's stream ended before its answer did")))

      return Effect.suspend(function next(): AnswerPull {
        if (ended !== undefined) return ended
        return Effect.flatMap(pull, (batch) => {
          const out: Array<AgentEvent> = []
          for (const event of batch) {
            const read = Completion.readEvent(event)
            if (Result.isFailure(read)) {
              ended = Effect.fail(broken(read.failure))
              break
            }
            out.push(...read.success)
            if (out.at(-1)?._tag === "Finish") {
              ended = Cause.done()
              break
            }
          }
          return Arr.isArrayNonEmpty(out) ? Effect.succeed(out) : next()
        })
      })
    })
  )

/** Reads the whole answer of a runtime that does not stream. */
const wholeAnswer = (response: HttpClientResponse.HttpClientResponse) =>
  response.stream.pipe(
    Stream.mapError((error) => refused(`the connection to the agent broke${codeOf(error)}`)),
    Stream.runFoldEffect(
      () => ({ size: 0, parts: [] as Uint8Array[] }),
      (read, part) => {
        read.size += part.length
        read.parts.push(part)
        return read.size > maxWholeSize
          ? Effect.fail(refused("the agent answered without a stream, and over the bound"))
          : Effect.succeed(read)
      }
    ),
    Effect.flatMap(({ parts }) =>
      Option.match(Completion.readWhole(Buffer.concat(parts).toString("utf8")), {
        onNone: () => Effect.fail(refused("the agent answered JSON that is no chat completion")),
        onSome: (events) => Effect.succeed(Stream.fromArray([accepted, ...events]))
      })
    )
  )

/**
 * The live layer. Its `HttpClient` must not follow redirects and must close a connection when its request is aborted, as
 * both of `NodeHttpClient` do.
 */
export const layer = (options: Options): Layer.Layer<AgentStream, never, HttpClient.HttpClient> =>
  Layer.effect(
    AgentStream,
    Effect.gen(function* () {
      const client = HttpClient.withScope(yield* HttpClient.HttpClient)
      const timeout = Duration.fromInputUnsafe(options.timeout)

      const authorized = Effect.fnUntraced(function* (
        request: HttpClientRequest.HttpClientRequest,
        variable: string | null
      ) {
        if (variable === null) return request
        const key = yield* options.keyOf(variable)
        if (Option.isNone(key))
          return yield* refused(`the variable ${variable}, which holds the agent's key, is not set`)
        return HttpClientRequest.bearerToken(request, key.value)
      })

      const ask = Effect.fnUntraced(function* (request: AgentRequest) {
        const url = Completion.endpoint(request.instance.agentUrl)
        if (Option.isNone(url)) return yield* refused("the agent's address is no http or https address")
        const post = yield* HttpClientRequest.post(url.value).pipe(
          HttpClientRequest.setHeader("accept", "text/event-stream"),
          HttpClientRequest.bodyJsonUnsafe(Completion.body(request)),
          (unsigned) => authorized(unsigned, request.instance.agentKeyEnv)
        )
        const response = yield* client
          .execute(post)
          .pipe(Effect.mapError((error) => refused(`the agent could not be reached${codeOf(error)}`)))
        if (response.status < 200 || response.status > 299) {
          return yield* refused(`the agent answered with status ${response.status}`)
        }
        const type = mediaType(response)
        if (type === "application/json") return yield* wholeAnswer(response)
        if (type !== "text/event-stream") return yield* refused("the agent answered something that is no event stream")
        const events = response.stream.pipe(
          Stream.mapError((error) => broken(`the connection to the agent broke${codeOf(error)}`)),
          Sse.events({ maxEventSize }),
          Stream.mapError((error) =>
            error._tag === "SseError" ? broken("the agent sent a frame over the bound") : error
          )
        )
        return Stream.concat(Stream.succeed(accepted), answer(events, timeout))
      })

      return AgentStream.of({
        // The request lives in the stream's scope: however the stream ends, its connection is closed.
        stream: (request): Stream.Stream<AgentEvent, AgentError> =>
          ask(request).pipe(
            Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(new AgentTimeout()) }),
            Stream.unwrap,
            Stream.withSpan("AgentStream.stream", { attributes: { instanceId: request.instance.instanceId } })
          )
      })
    })
  )
