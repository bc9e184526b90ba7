/**
 * Reads an agent's response as a stream of the answer's events: from an event stream, or from an answer that was not streamed.
 * Interprets the content type and the first bytes of a response.
 *
 * @module
 */
import {
  Array as Arr,
  Cause,
  Channel,
  Clock,
  Effect,
  Exit,
  Fiber,
  Option,
  type Pull,
  Queue,
  Scope,
  Stream
} from "effect"
import type { HttpClientError, HttpClientResponse } from "effect/http"
import { ByteCollector } from "../../platform/http/Incoming.ts"
import { AgentBroken, type AgentError, type AgentRefusal, AgentTimeout } from "../AgentStream.ts"
import type { AgentEvent, AgentFinish } from "./Agent.ts"
import { codeOf, type Headers, refusedWith } from "./AgentRefusals.ts"
import { cleanName } from "./Answer.ts"
import { AnswerReader } from "./AnswerReader.ts"
import type { AgentProtocol } from "./Protocol.ts"
import * as Protocol from "./Protocol.ts"

/** The type of a body in lower case, without parameters; empty if there is none. */
const contentType = (headers: Headers): string => (headers["content-type"] ?? "").split(";", 1)[0]!.trim().toLowerCase()

/** The type of a body, for the log. */
const describeType = (type: string): string =>
  type === "" ? "without a content type" : `of content type ${cleanName(type)}`

/** How a body of a type is read; `sniff` if the type leaves open whether it is a stream, and its first byte decides. */
const bodyKind = (type: string): "stream" | "sniff" | "unreadable" => {
  if (type === "text/event-stream") return "stream"
  return ["", "application/json", "text/plain", "application/octet-stream"].includes(type) ? "sniff" : "unreadable"
}

type Kind = "json" | "page" | "stream"

/** What a body is, by its first byte: JSON begins with a brace, and a page with `<`. Undefined for whitespace only. */
const kindOf = (beginning: ReadonlyArray<Uint8Array>): Kind | undefined => {
  for (const chunk of beginning) {
    const first = chunk.find((byte) => byte !== 0x20 && (byte < 0x09 || byte > 0x0d))
    if (first !== undefined) return first === 0x7b ? "json" : first === 0x3c ? "page" : "stream"
  }
  return undefined
}

interface Options {
  readonly protocol: AgentProtocol
  /** How long the agent may be silent, in milliseconds. */
  readonly timeout: number
  /** Runs what outlives the stream: reading the rest of a response, so that its connection can be reused. */
  readonly fork: (effect: Effect.Effect<void>) => void
}

type Response = HttpClientResponse.HttpClientResponse
type BytePull = Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, HttpClientError.HttpClientError>

/** The longest answer that is not streamed, in bytes. */
const maxWhole = 1024 * 1024

/** How much of a refusal is read to find its reason, in bytes, and how long that may take, in milliseconds. */
const maxRefusal = 64 * 1024
const refusalTimeout = 2000

/** After the end of an answer: how long the response may take to end, and what it may still send (bytes). */
const linger = { duration: "1 second", bytes: 64 * 1024 } as const

/** How long an agent that sent a finish reason may be silent before its answer counts as ended, in milliseconds. */
const finishGrace = 5000

const accepted: AgentEvent = { _tag: "Accepted" }

/** The code of the error that broke a connection, as a suffix in a message. */
const suffixOf = (error: HttpClientError.HttpClientError): string => {
  const code = codeOf(error)
  return code === undefined ? "" : ` (${code})`
}

type Body = Stream.Stream<Uint8Array, HttpClientError.HttpClientError>

/** A body that is not read as events, up to a bound in bytes. */
class Collected {
  private readonly bytes = new ByteCollector(Number.POSITIVE_INFINITY)
  private readonly bound: number

  constructor(bound: number) {
    this.bound = bound
  }

  /** Adds what a pull of the body gave. False if the body exceeds the bound: stop reading then. */
  add(chunks: ReadonlyArray<Uint8Array>): boolean {
    for (const chunk of chunks) {
      if (this.bytes.length + chunk.length > this.bound) return false
      this.bytes.add(chunk)
    }
    return true
  }

  /** Reads a body to its end. Fails if it exceeds the bound. */
  read(body: Body): Effect.Effect<void, "too large" | HttpClientError.HttpClientError> {
    return Stream.runForEachArray(body, (chunks) =>
      this.add(chunks) ? Effect.void : Effect.fail("too large" as const)
    )
  }

  /** Takes the bytes that were collected. */
  take(): Buffer {
    return Buffer.from(this.bytes.take())
  }
}

/** The text of a refusal, and whether it is the whole text. */
interface Refusal {
  readonly text: string
  readonly isWhole: boolean
}

/** Reads the body of a refusal, as far as its bounds allow. */
export const readRefusal = ({ stream }: Response, timeout: number): Effect.Effect<Refusal> => {
  const body = new Collected(maxRefusal)
  return body.read(stream).pipe(
    Effect.timeout(Math.min(refusalTimeout, timeout)),
    Effect.isSuccess,
    Effect.map((isWhole) => ({ text: body.take().toString("utf8"), isWhole }))
  )
}

/** Reads the rest of a response whose answer has ended: the connection of a response that ends by itself can be reused. */
const readRest = (pull: BytePull): Effect.Effect<void> => {
  let bytes = 0
  const rest = Stream.fromPull(Effect.succeed(pull))
  const isWithinBounds = (chunk: Uint8Array) =>
    Effect.sync(() => {
      bytes += chunk.length
      return bytes <= linger.bytes
    })
  return Stream.runForEachWhile(rest, isWithinBounds).pipe(Effect.timeoutOption(linger.duration), Effect.ignore)
}

/**
 * How long an agent may be silent, in milliseconds. After a finish reason, some runtimes end neither the answer nor the response.
 * An agent that finished with tool calls may run the tools itself and continue.
 */
const silenceTimeout = (finishReason: AgentFinish | undefined, timeout: number): number =>
  finishReason === undefined || finishReason === "tool-calls" ? timeout : Math.min(finishGrace, timeout)

type Events = Arr.NonEmptyReadonlyArray<AgentEvent>
type EventQueue = Queue.Queue<Events, AgentError | Cause.Done>

/** Offers the last events of an answer, and ends the queue, or fails it if the answer did not succeed. */
const end = (queue: EventQueue, reader: AnswerReader): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { events, failure } = reader.end()
    const last = failure === undefined ? Queue.end(queue) : Queue.fail(queue, failure)
    return Effect.asVoid(Arr.isReadonlyArrayNonEmpty(events) ? Effect.andThen(Queue.offer(queue, events), last) : last)
  })

/**
 * Reads the events of an event stream up to the end of the answer, in the scope of the answer. The agent may be silent for
 * `timeout`: between any two events of the stream, whether they are events of the answer or not. Comments are silence.
 */
const readEvents = Effect.fnUntraced(function* (pull: BytePull, reader: AnswerReader, timeout: number) {
  const scope = yield* Effect.scope
  const clock = yield* Clock.Clock
  const queue = yield* Queue.bounded<Events, AgentError | Cause.Done>(1)
  Queue.offerUnsafe(queue, [accepted])
  /** When the agent's silence began; undefined while the reader does not wait for the agent. */
  let since: number | undefined
  const read = Effect.suspend(function loop(): Pull.Pull<void, HttpClientError.HttpClientError> {
    if (reader.isOver) return Effect.void
    since ??= clock.currentTimeMillisUnsafe()
    return Effect.flatMap(pull, (chunks) => {
      const now = clock.currentTimeMillisUnsafe()
      const events: Array<AgentEvent> = []
      let wait = 0
      for (const chunk of chunks) {
        const read = reader.read(chunk, now)
        for (const event of read.events) events.push(event)
        if (read.hasFrames || read.wait > 0) since = undefined
        wait = read.wait
      }
      const next = Effect.suspend(loop)
      const rest = wait === 0 || reader.isOver ? next : Effect.delay(next, wait)
      return Arr.isArrayNonEmpty(events) ? Effect.andThen(Queue.offer(queue, events), rest) : rest
    })
  })
  const endReading = Effect.suspend(() => {
    // A slow reader of the last events does not make the agent silent.
    since = undefined
    return end(queue, reader)
  })
  const reading = yield* read.pipe(
    Effect.matchCauseEffect({
      onSuccess: () => endReading,
      onFailure: (cause) => {
        const error = Cause.findErrorOption(cause)
        if (Option.isNone(error)) return Queue.failCause(queue, cause as Cause.Cause<never>)
        return Cause.isDone(error.value)
          ? endReading
          : Queue.fail(queue, new AgentBroken({ reason: `the connection to the agent broke${suffixOf(error.value)}` }))
      }
    }),
    Effect.forkIn(scope, { startImmediately: true })
  )
  const watch = Effect.suspend(function loop(): Effect.Effect<unknown> {
    const now = clock.currentTimeMillisUnsafe()
    const { finishReason } = reader.answer
    const due = (since ?? now) + silenceTimeout(finishReason, timeout)
    if (now < due) return Effect.delay(Effect.suspend(loop), Math.min(due - now, finishGrace))
    if (finishReason === undefined) return Queue.fail(queue, new AgentTimeout())
    return Effect.andThen(Fiber.interrupt(reading), end(queue, reader))
  })
  yield* Effect.forkIn(watch, scope)
  return Stream.fromPull(Effect.succeed(Queue.take(queue)))
})

const refused = ({ status }: Response, reason: string) => refusedWith(reason, status, undefined)

/** The refusal of a body that is not an event stream. */
const ofContent = (response: Response, what: string) => {
  const type = describeType(contentType(response.headers))
  return refused(response, `the agent answered with ${what} ${type}, not with an event stream`)
}

/** Limits the time until the agent has sent what decides whether its response is an answer. */
const inTime =
  (timeout: number) =>
  <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | AgentTimeout> =>
    Effect.timeoutOrElse(effect, { duration: timeout, orElse: () => Effect.fail(new AgentTimeout()) })

/** Fails before the agent's answer begins. */
const refusedBy =
  (response: Response) => (error: AgentTimeout | "too large" | "empty" | HttpClientError.HttpClientError) => {
    if (error === "too large") return refused(response, "the agent's answer without a stream is too large")
    if (error === "empty") return refused(response, "the agent answered with an empty body")
    return error._tag === "AgentTimeout"
      ? error
      : refused(response, `the connection to the agent broke${suffixOf(error)}`)
  }

/** Reads an answer that was not streamed. */
const readWhole = Effect.fnUntraced(function* (
  response: Response,
  text: string,
  reader: AnswerReader
): Effect.fn.Return<Stream.Stream<AgentEvent, AgentError>, AgentRefusal> {
  if (reader.readWhole(text)) {
    const { events, failure } = reader.end()
    const whole = Stream.fromArray([accepted, ...events])
    return failure === undefined ? whole : Stream.concat(whole, Stream.fail(failure))
  }
  const name = Protocol.errorCodeIn(text) ?? AnswerReader.kindOf(text)
  return yield* refused(response, `the agent answered with JSON that is not an answer of its protocol (${name})`)
})

/** The first bytes of a body, up to those that tell its kind. */
const sniff = (pull: BytePull, into: Collected) =>
  Effect.suspend(function loop(): Effect.Effect<Kind, "too large" | "empty" | HttpClientError.HttpClientError> {
    return Effect.flatMap(
      Effect.mapError(pull, (error) => (Cause.isDone(error) ? "empty" : error)),
      (chunks) => {
        if (!into.add(chunks)) return Effect.fail("too large")
        const kind = kindOf(chunks)
        return kind === undefined ? loop() : Effect.succeed(kind)
      }
    )
  })

/**
 * Reads a response with a status of 2xx, in the scope of its answer. Fails with a refusal if the response is no answer of the
 * protocol.
 */
export const read = Effect.fnUntraced(function* (
  response: Response,
  { fork, protocol, timeout }: Options
): Effect.fn.Return<Stream.Stream<AgentEvent, AgentError>, AgentRefusal, Scope.Scope> {
  const type = contentType(response.headers)
  const kind = bodyKind(type)
  const reader = new AnswerReader(protocol, describeType(type))
  const connection = yield* Scope.make()
  // Not `Stream.toPull` and `Effect.addFinalizer`: for each answer, they would keep and copy the whole context.
  const pull = yield* Channel.toPullScoped(Stream.toChannel(response.stream), connection)
  const close = Scope.close(connection, Exit.void)
  yield* Scope.addFinalizer(
    yield* Effect.scope,
    Effect.suspend(() =>
      reader.answer.isDone ? Effect.sync(() => fork(Effect.ensuring(readRest(pull), close))) : close
    )
  )
  if (kind === "unreadable") return yield* ofContent(response, "a body")
  if (kind === "stream") return yield* readEvents(pull, reader, timeout)
  const body = new Collected(maxWhole)
  const failed = Effect.mapError(refusedBy(response))
  switch (yield* sniff(pull, body).pipe(inTime(timeout), failed)) {
    case "page":
      return yield* ofContent(response, "a page")
    case "json":
      yield* body.read(Stream.fromPull(Effect.succeed(pull))).pipe(inTime(timeout), failed)
      return yield* readWhole(response, body.take().toString("utf8"), reader)
    case "stream": {
      const beginning = Stream.toPull(
        Stream.succeed<Uint8Array>(body.take()).pipe(Stream.concat(Stream.fromPull(Effect.succeed(pull))))
      )
      return yield* readEvents(yield* beginning, reader, timeout)
    }
  }
})
