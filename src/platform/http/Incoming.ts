/**
 * The head of a request, and the reader of its body as the published contract requires: which content types are JSON, how a body that is not JSON is
 * reported, how large a body may be, and how much memory incomplete bodies may use together.
 *
 * The endpoints use this instead of the platform's payload decoding, which decodes UTF-8 leniently (the stored text would
 * differ from the text sent), answers unknown content types by itself, and discards the text of the body.
 *
 * @module
 */
import { IncomingMessage, type RequestListener } from "node:http"
import { ByteSize, Context, Data, Effect, Option, Result } from "effect"
import { constVoid } from "effect/Function"
import { HttpIncomingMessage, type HttpServerRequest } from "effect/http"
import type { ValidationError } from "../contract/Errors.ts"
import type { RequestHead } from "../contract/Received.ts"
import * as Capacity from "../limits/Capacity.ts"
import { clientKey } from "../limits/ClientAddress.ts"
import * as Json from "../text/Json.ts"
import * as Connections from "./Connections.ts"

// `Data.TaggedError`, since `Schema.TaggedError` would drop an error's `ctx` and is slower, which a flood could exploit.

/** The body exceeds `HttpIncomingMessage.MaxBodySize`. */
export class BodyTooLarge extends Data.TaggedError("BodyTooLarge")<{ readonly maxBytes: number }> {}

/** The body did not arrive completely: the client disconnected or violated HTTP. */
export class BodyUnreadable extends Data.TaggedError("BodyUnreadable") {}

/** The memory for incomplete bodies is used up: in total, or the share of this client's address. */
export class BodyOverCapacity extends Data.TaggedError("BodyOverCapacity")<{ readonly by: "all" | "address" }> {}

/** The body came in so many chunks or packets that they cost more to read than its bytes. */
export class BodyFragmented extends Data.TaggedError("BodyFragmented") {}

type Refused = BodyTooLarge | BodyFragmented | BodyOverCapacity

/** The maximum number of pieces for a body of `bytes`. Ordinary clients send 500 bytes or more per chunk or packet. */
export const maxPieces = (bytes: number): number => 1_000 + bytes / 128

/**
 * A head counts against `Arrivals` only if `estimateBytes` exceeds this, and a body only if it is not small. The
 * limit is higher for heads, because on the service's own origin they contain a website's cookies.
 */
export const uncountedHeadBytes = 8_192

const empty = new Uint8Array()

const minCapacity = 4_096

/**
 * Collects the chunks of a body in one buffer that grows by doubling. An array of many small chunks would take up to a hundred times
 * their bytes.
 */
export class ByteCollector {
  private readonly expectedLength: number
  private buffer: Uint8Array = empty
  private filled = 0

  /**
   * @param expectedLength how many bytes are expected at most; may be infinite. The buffer grows beyond it only if more bytes are
   * added.
   */
  constructor(expectedLength: number) {
    this.expectedLength = expectedLength
  }

  /** The number of bytes that were added. */
  get length(): number {
    return this.filled
  }

  /** The size of the buffer in bytes: at most twice `length`, or `minCapacity` if that is more. */
  get capacity(): number {
    return this.buffer.length
  }

  /** Adds a chunk. The first chunk is not copied, so it must not change afterwards. */
  add(chunk: Uint8Array): void {
    const length = this.filled + chunk.length
    if (this.filled === 0) {
      this.buffer = chunk
    } else {
      if (length > this.buffer.length) {
        const grown = new Uint8Array(Math.max(length, Math.min(this.expectedLength, Math.max(minCapacity, 2 * length))))
        grown.set(this.buffer.subarray(0, this.filled))
        this.buffer = grown
      }
      this.buffer.set(chunk, this.filled)
    }
    this.filled = length
  }

  /** Returns the bytes that were added, and releases the buffer. */
  take(): Uint8Array {
    const { buffer, filled } = this
    this.buffer = empty
    this.filled = 0
    return filled === buffer.length ? buffer : buffer.slice(0, filled)
  }
}

/**
 * The memory of requests whose bodies are incomplete: 64 MiB per process, and an eighth of it per address. Without the share
 * per address, a few slow senders would block everyone's larger bodies.
 */
export const Arrivals = Context.Reference<Pick<Capacity.Capacity, "allocate">>(
  "hydracore/platform/http/Incoming/Arrivals",
  {
    defaultValue: () => Capacity.make(64 * 2 ** 20, 8 * 2 ** 20)
  }
)

/** Whether the share per address applies. Without rate limits an address may not identify a client. */
export const ByAddress = Context.Reference<boolean>("hydracore/platform/http/Incoming/ByAddress", {
  defaultValue: () => true
})

/** Node's message of a request. Only a test that calls handlers without a server has none. */
const messageOf = ({ source }: HttpServerRequest.HttpServerRequest): IncomingMessage | undefined =>
  source instanceof IncomingMessage ? source : undefined

/** Whether a `Content-Type` is read as JSON: the JSON types, `text/plain` (which beacons send), and a missing header. */
export const isJson = (contentType: string | undefined): boolean => {
  if (contentType === undefined || contentType === "application/json") return true
  const essence = contentType.split(";", 1)[0]!.trim().toLowerCase()
  return essence === "" || essence === "application/json" || essence === "text/plain" || jsonSuffix.test(essence)
}

const jsonSuffix = /^application\/[^\s/]+\+json$/

/** The fault of a body that is not JSON. */
export const jsonInvalid = (fault: Json.JsonFault): ValidationError & { readonly ctx: { readonly error: string } } => ({
  type: "json_invalid",
  loc: ["body", fault.offset],
  msg: "JSON decode error",
  ctx: { error: fault.reason }
})

/** A longer body, in bytes, may take milliseconds to decode. */
export const cheapBytes = 16_384

/** The maximum depth of a longer text. A text in which each byte opens a level takes ten times as long to parse as others. */
export const maxDepth = 1_000

/** The offset, in bytes, of the first bracket that is more than `levels` deep; undefined if there is none. */
const tooDeepAt = (bytes: Uint8Array, levels: number): number | undefined => {
  let depth = 0
  let isInString = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === 0x22) isInString = !isInString
    else if (isInString) {
      if (byte === 0x5c) at++
    } else if (Json.isOpening(byte)) {
      if (++depth > levels) return at
    } else if (Json.isClosing(byte)) depth--
  }
  return undefined
}

const decoder = new TextDecoder("utf-8", { fatal: true })

/** The text of a body: strict UTF-8, with or without a byte order mark, of at most `maxDepth` levels if it is longer than `cheapBytes`. */
export const decodeText = (bytes: Uint8Array): Result.Result<string, Json.JsonFault> => {
  const tooDeep = bytes.length > cheapBytes ? tooDeepAt(bytes, maxDepth) : undefined
  if (tooDeep !== undefined) {
    return Result.fail({ offset: tooDeep, reason: `the text is nested more than ${maxDepth} levels deep here` })
  }
  try {
    return Result.succeed(decoder.decode(bytes))
  } catch {
    return Result.fail({ offset: 0, reason: "the body is not valid UTF-8" })
  }
}

/** An incomplete body and its memory allocation, which covers the head too. */
interface IncomingBody {
  /** Must be called first. Stop reading if it returns an error. */
  readonly begin: () => BodyOverCapacity | undefined
  /** Must be called at the end, also after an error. */
  readonly release: () => void
  /** Adds a piece. Stop reading if it returns an error. */
  readonly add: (piece: Uint8Array) => Refused | undefined
  readonly pieces: ByteCollector
}

const counted = (bytes: number, uncounted: number): number => (bytes <= uncounted ? 0 : bytes)

const makeIncomingBody = (
  allocate: () => Capacity.Allocation,
  headBytes: number,
  { expected, maxBytes }: { readonly expected: number; readonly maxBytes: number }
): IncomingBody => {
  const pieces = new ByteCollector(Math.min(expected, maxBytes))
  /** Undefined for a small request. */
  let allocation: Capacity.Allocation | undefined
  let count = 0
  const allocateMemory = (): BodyOverCapacity | undefined => {
    const bytes = counted(headBytes, uncountedHeadBytes) + counted(pieces.capacity, smallBodyBytes)
    if (bytes === 0) return undefined
    allocation ??= allocate()
    const outcome = allocation.resize(bytes)
    return outcome === "held" ? undefined : new BodyOverCapacity({ by: outcome === "full" ? "all" : "address" })
  }
  const fail = <E extends Refused>(error: E): E => {
    // Frees the pieces now, because the reader's fiber may run much later.
    pieces.take()
    return error
  }
  return {
    pieces,
    begin: allocateMemory,
    release: () => allocation?.release(),
    add: (piece) => {
      if (pieces.length + piece.length > maxBytes) return fail(new BodyTooLarge({ maxBytes }))
      pieces.add(piece)
      if (++count > maxPieces(pieces.length)) return fail(new BodyFragmented())
      const error = allocateMemory()
      return error === undefined ? undefined : fail(error)
    }
  }
}

const heavy: Array<() => void> = []

const runHeavy = (): void => {
  heavy.shift()?.()
  if (heavy.length > 0) setImmediate(runHeavy)
}

/** Calls `run` in a turn of the event loop in which no other does, so that other connections are served in between. */
const inOwnTurn = (run: () => void): void => {
  if (heavy.push(run) === 1) setImmediate(runHeavy)
}

/**
 * Collects a body from Node's message. The platform's reader handles any stream and also waits for the message to close,
 * which for a small body costs a tenth of the whole request.
 */
const collect = (message: IncomingMessage, body: IncomingBody): Effect.Effect<Uint8Array, Refused | BodyUnreadable> =>
  Effect.callback((resume) => {
    // The client disconnected before, and no further event follows.
    if (message.destroyed) return resume(Effect.fail(new BodyUnreadable()))
    const stopListening = () => message.off("data", onData).off("end", onEnd).off("close", onDisconnect)
    const stop = () => {
      stopListening()
      body.release()
    }
    const fail = (error: Refused | BodyUnreadable) => {
      stop()
      // Leaves the rest unread: the connection closes when the response ends.
      message.pause()
      message.socket.pause()
      if (error._tag === "BodyFragmented") Connections.exclude(message.socket)
      resume(Effect.fail(error))
    }
    const onData = (chunk: Buffer) => {
      const error = body.add(chunk)
      if (error !== undefined) fail(error)
    }
    const finish = () => {
      body.release()
      resume(Effect.succeed(body.pieces.take()))
    }
    const onEnd = () => {
      stopListening()
      if (body.pieces.length > cheapBytes) inOwnTurn(finish)
      else finish()
    }
    const onDisconnect = () => fail(new BodyUnreadable())
    const error = body.begin()
    if (error !== undefined) return fail(error)
    message.on("data", onData).on("end", onEnd).on("close", onDisconnect)
    // `awaitingSmallBody`, which gives back what it read, has paused it.
    if (message.isPaused()) message.resume()
    return Effect.sync(stop)
  })

/**
 * Reads the bytes of a request's body. Releases their allocation in the same turn in which the caller continues, so that no time
 * passes before `Body` counts them.
 */
export const readBytes = (
  request: HttpServerRequest.HttpServerRequest,
  { address, headBytes }: RequestHead
): Effect.Effect<Uint8Array, Refused | BodyUnreadable> =>
  Effect.withFiber((fiber) => {
    const limit = fiber.getRef(HttpIncomingMessage.MaxBodySize)
    const maxBytes = limit === undefined ? Number.POSITIVE_INFINITY : ByteSize.toNumberUnsafe(limit)
    const contentLength = Number(request.headers["content-length"])
    if (contentLength > maxBytes) return Effect.fail(new BodyTooLarge({ maxBytes }))
    const message = messageOf(request)
    const bytes = message && arrivedBody(message)
    if (bytes !== undefined) return Effect.succeed(bytes)
    const arrivals = fiber.getRef(Arrivals)
    const isByAddress = fiber.getRef(ByAddress)
    const expected = Number.isNaN(contentLength) ? Number.POSITIVE_INFINITY : contentLength
    const allocate = () => arrivals.allocate(isByAddress ? clientKey(address) : undefined)
    const body = makeIncomingBody(allocate, headBytes, { expected, maxBytes })
    if (message === undefined) {
      return Effect.mapBoth(request.arrayBuffer, {
        onFailure: () => new BodyUnreadable(),
        onSuccess: (buffer) => new Uint8Array(buffer)
      })
    }
    // The server handles connection errors. An error without a listener ends the process.
    message.on("error", constVoid)
    return collect(message, body)
  })

/** The maximum size in bytes of a body that repeats its conversation, unless `MAX_BODY` is more. */
export const conversationBytes = 2 ** 20

/** `readBytes` for bodies that may repeat their conversation. `MAX_BODY` still limits those that `isSingleMessage` accepts. */
export const readConversation = (
  request: HttpServerRequest.HttpServerRequest,
  head: RequestHead,
  isSingleMessage: (bytes: Uint8Array) => boolean = () => false
): Effect.Effect<Uint8Array, Refused | BodyUnreadable> =>
  Effect.flatMap(HttpIncomingMessage.MaxBodySize, (limit) => {
    const maxBytes = limit === undefined ? Number.POSITIVE_INFINITY : ByteSize.toNumberUnsafe(limit)
    if (maxBytes >= conversationBytes) return readBytes(request, head)
    return readBytes(request, head).pipe(
      Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(conversationBytes)),
      Effect.filterOrFail(
        (bytes) => bytes.length <= maxBytes || !isSingleMessage(bytes),
        () => new BodyTooLarge({ maxBytes })
      )
    )
  })

/** The maximum size of a small body in bytes. */
export const smallBodyBytes = 4_096

/** Estimated overhead per header, in bytes. */
const headerOverhead = 64

/** Estimates the bytes that a head holds in memory. `rawHeaders` alternates names and values. */
export const estimateBytes = (rawHeaders: ReadonlyArray<string>): number => {
  let bytes = (headerOverhead / 2) * rawHeaders.length
  for (const text of rawHeaders) bytes += text.length
  return bytes
}

const arrived = new WeakMap<IncomingMessage, Uint8Array>()

/** The body for which `awaitingSmallBody` has waited; undefined for any other request. */
export const arrivedBody = (message: IncomingMessage): Uint8Array | undefined => arrived.get(message)

/**
 * Lets the small body of a POST arrive before the listener is called, so that the request's fiber need not wait for it. A request
 * whose body is large, or does not arrive in one piece, gets to the listener with its body unread.
 */
export const awaitingSmallBody =
  (listener: RequestListener, maxBody: number): RequestListener =>
  (request, response) => {
    const length = Number(request.headers["content-length"])
    const isSmall = length > 0 && length <= Math.min(maxBody, smallBodyBytes)
    if (
      !isSmall ||
      request.method !== "POST" ||
      request.headers.expect !== undefined ||
      estimateBytes(request.rawHeaders) > uncountedHeadBytes
    ) {
      return listener(request, response)
    }
    // The server handles connection errors. An error without a listener ends the process.
    request.on("error", constVoid)
    request.once("data", (bytes: Buffer) => {
      if (bytes.length === length) arrived.set(request, bytes)
      else {
        request.pause()
        request.unshift(bytes)
      }
      listener(request, response)
    })
  }

/** The client's address: the socket's peer, or the one that a trusted proxy names (see `platform/limits/ClientAddress`). */
export const clientAddress = (request: HttpServerRequest.HttpServerRequest): string =>
  Option.getOrElse(request.remoteAddress, () => "unknown")

/** The head of a request that came through the router. Read it before the body: then the socket still has a remote address. */
export const fromRequest = (request: HttpServerRequest.HttpServerRequest): RequestHead => {
  const message = messageOf(request)
  return {
    url: request.url,
    headers: request.headers,
    address: clientAddress(request),
    peer: message?.socket.remoteAddress ?? "unknown",
    headBytes: estimateBytes(message?.rawHeaders ?? []) + request.url.length
  }
}
