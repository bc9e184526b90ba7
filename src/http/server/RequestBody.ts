/**
 * Reads a request's body as the published contract says: which content types are JSON, what is said of a body that is
 * none, how large it may be, and how much may be held of those that are still on their way.
 *
 * The endpoints use this in place of the platform's own decoding of payloads, since that decodes UTF-8 leniently (a
 * stored text would differ from the one that was sent), answers an unknown content type by itself, and does not keep the
 * text of the body.
 *
 * @module
 */
import { IncomingMessage } from "node:http"
import { ByteSize, Context, Data, Effect, Result, Stream } from "effect"
import { HttpIncomingMessage, type HttpServerRequest } from "effect/http"
import type { ValidationError } from "../../contract/Errors.ts"
import { ByteCollector } from "../../core/data/ByteCollector.ts"
import * as Json from "../../core/json/Json.ts"
import * as Capacity from "../../core/limits/Capacity.ts"
import { clientKey } from "../../core/limits/ClientKey.ts"
import * as RequestHead from "../endpoints/RequestHead.ts"

/** The body does not validate: every fault. */
export class InvalidBody extends Data.TaggedError("InvalidBody")<{ readonly errors: ReadonlyArray<ValidationError> }> {}

/** The body is longer than `HttpIncomingMessage.MaxBodySize`. */
export class BodyTooLarge extends Data.TaggedError("BodyTooLarge")<{ readonly maxBytes: number }> {}

/** The body did not arrive whole: the client went away, or broke the rules of HTTP. */
export class BodyUnreadable extends Data.TaggedError("BodyUnreadable") {}

/** Too much is held already of bodies that are on their way: from everybody, or from this one's address. */
export class BodyCrowdedOut extends Data.TaggedError("BodyCrowdedOut")<{ readonly by: "all" | "address" }> {}

/** The body came in so many pieces (chunks, packets) that they cost more to read than its bytes. */
export class BodyInPieces extends Data.TaggedError("BodyInPieces") {}

type Refused = BodyTooLarge | BodyInPieces | BodyCrowdedOut

/** How many pieces a body of some bytes may come in. A packet or a chunk of an ordinary client holds 500 bytes or more. */
export const maxPieces = (bytes: number): number => 1_000 + bytes / 128

/** Bytes of a body that are not counted while it comes: what a page sends is smaller. */
export const uncountedBytes = 4_096

/** The same of its head, by `RequestHead.estimateBytes`: twice as much, for the cookies of a website that shares its address. */
export const uncountedHeadBytes = 8_192

/**
 * Gives a place to each request whose body is on its way: in one process, 64 MiB for what all of them hold, and an eighth
 * of it for those of one address, or a few that send slowly would keep everybody's larger bodies out.
 */
export const Arrivals = Context.Reference<Pick<Capacity.Capacity, "allocate">>("hydracore/http/RequestBody/Arrivals", {
  defaultValue: () => Capacity.make(64 * 2 ** 20, 8 * 2 ** 20)
})

/** Whether each address has its share. Where none is limited, addresses tell nothing of who sends. */
export const ByAddress = Context.Reference<boolean>("hydracore/http/RequestBody/ByAddress", {
  defaultValue: () => true
})

export interface Body {
  /** The text as it was sent, without a byte order mark; empty if it was not JSON. */
  readonly text: string
  /** What the text says; undefined for an empty body, a string for one that is not JSON by its content type. */
  readonly value: unknown
}

/** Whether a `Content-Type` is read as JSON: JSON's own types, `text/plain` as a beacon sends it, and none at all. */
export const isJson = (contentType: string | undefined): boolean => {
  if (contentType === undefined || contentType === "application/json") return true
  const essence = contentType.split(";", 1)[0]!.trim().toLowerCase()
  return essence === "" || essence === "application/json" || essence === "text/plain" || jsonSuffix.test(essence)
}

const jsonSuffix = /^application\/[^\s/]+\+json$/

const jsonInvalid = (fault: Json.JsonFault): ValidationError & { readonly ctx: { readonly error: string } } => ({
  type: "json_invalid",
  loc: ["body", fault.offset],
  msg: "JSON decode error",
  ctx: { error: fault.reason }
})

const empty: Body = { text: "", value: undefined }

/** Reads the bytes of a body; pure. */
export const parse = (bytes: Uint8Array, contentType: string | undefined): Result.Result<Body, InvalidBody> => {
  if (bytes.length === 0) return Result.succeed(empty)
  if (!isJson(contentType)) return Result.succeed({ text: "", value: "" })
  return Result.mapError(Json.parse(bytes), (fault) => new InvalidBody({ errors: [jsonInvalid(fault)] }))
}

/** A body on its way, with a place for what it and its head hold. */
interface Arriving {
  /** To be asked first; an error is the end. */
  readonly begin: () => BodyCrowdedOut | undefined
  /** To be called at the end, whatever it is. */
  readonly leave: () => void
  /** Takes a piece; an error is the end. */
  readonly add: (piece: Uint8Array) => Refused | undefined
  /** What `add` or a displacement came to, also if nobody read it. */
  readonly refused: () => Refused | undefined
  /** Calls back if another client's body displaces this one. */
  readonly onDisplaced: (fail: (error: BodyCrowdedOut) => void) => void
  readonly pieces: ByteCollector
}

const counted = (bytes: number, uncounted: number): number => (bytes <= uncounted ? 0 : bytes)

const arriving = (
  allocate: (onDisplaced: () => void) => Capacity.Allocation,
  headBytes: number,
  { expected, maxBytes }: { readonly expected: number; readonly maxBytes: number }
): Arriving => {
  const pieces = new ByteCollector(Math.min(expected, maxBytes))
  /** What is small takes none. */
  let allocation: Capacity.Allocation | undefined
  let count = 0
  let displaced = (_: BodyCrowdedOut) => {}
  const onDisplaced = () => displaced(fail(new BodyCrowdedOut({ by: "all" })))
  const crowdedOut = (): BodyCrowdedOut | undefined => {
    const bytes = counted(headBytes, uncountedHeadBytes) + counted(pieces.capacity, uncountedBytes)
    if (bytes === 0) return undefined
    allocation ??= allocate(onDisplaced)
    const outcome = allocation.resize(bytes)
    return outcome === "held" ? undefined : new BodyCrowdedOut({ by: outcome === "full" ? "all" : "address" })
  }
  let refused: Refused | undefined
  const fail = <E extends Refused>(error: E): E => {
    refused = error
    // The reader's fiber may run much later.
    pieces.take()
    return error
  }
  return {
    pieces,
    begin: crowdedOut,
    leave: () => allocation?.release(),
    refused: () => refused,
    onDisplaced: (fail) => {
      displaced = fail
    },
    add: (piece) => {
      if (pieces.length + piece.length > maxBytes) return fail(new BodyTooLarge({ maxBytes }))
      pieces.add(piece)
      if (++count > maxPieces(pieces.length)) return fail(new BodyInPieces())
      const error = crowdedOut()
      return error === undefined ? undefined : fail(error)
    }
  }
}

/**
 * Collects a body from Node's own message, piece by piece as it is parsed. The platform's way is for streams of any kind and
 * waits for the message to close as well: for a small body that costs a tenth of the whole request.
 */
const collect = (
  message: IncomingMessage,
  { add, onDisplaced }: Arriving
): Effect.Effect<void, Refused | BodyUnreadable> =>
  Effect.callback((resume) => {
    const stop = () => {
      message.off("data", onData).off("end", onEnd).off("error", onBreak).off("close", onBreak)
    }
    const fail = (error: Refused | BodyUnreadable) => {
      stop()
      // What is still to come is not read: the answer's end closes the connection.
      message.pause()
      resume(Effect.fail(error))
    }
    const onData = (chunk: Buffer) => {
      const error = add(chunk)
      if (error !== undefined) fail(error)
    }
    const onEnd = () => {
      stop()
      resume(Effect.void)
    }
    const onBreak = () => fail(new BodyUnreadable())
    onDisplaced(fail)
    message.on("data", onData).on("end", onEnd).on("error", onBreak).on("close", onBreak)
    return Effect.sync(stop)
  })

const ignore = () => {}

/** Collects any other. */
const collectStream = (
  request: HttpServerRequest.HttpServerRequest,
  { add, onDisplaced }: Arriving
): Effect.Effect<void, Refused | BodyUnreadable> =>
  Effect.raceFirst(
    Stream.runForEach(
      Stream.mapError(request.stream, () => new BodyUnreadable()),
      (piece) =>
        Effect.suspend(() => {
          const error = add(piece)
          return error === undefined ? Effect.void : Effect.fail(error)
        })
    ),
    Effect.callback<never, BodyCrowdedOut>((resume) => onDisplaced((error) => resume(Effect.fail(error))))
  )

/** Whether the body is Node's own, and nobody has begun to read it or waits to be told to send it. */
const isCollectable = (request: HttpServerRequest.HttpServerRequest): boolean =>
  request.source instanceof IncomingMessage &&
  request.headers["expect"] === undefined &&
  !request.source.readableDidRead &&
  !request.source.destroyed

/**
 * Reads the bytes of a request's body. The place that they had on their way is given back when they are there, in the
 * same turn in which whoever asked goes on: who bounds what waits counts them from then on.
 */
export const readBytes = Effect.fnUntraced(function* (
  request: HttpServerRequest.HttpServerRequest
): Effect.fn.Return<Uint8Array, Refused | BodyUnreadable> {
  const limit = yield* HttpIncomingMessage.MaxBodySize
  const maxBytes = limit === undefined ? Number.POSITIVE_INFINITY : ByteSize.toNumberUnsafe(limit)
  const told = Number(request.headers["content-length"])
  // What says that it is too large need not be received.
  if (told > maxBytes) return yield* new BodyTooLarge({ maxBytes })
  const arrivals = yield* Arrivals
  const isByAddress = yield* ByAddress
  // Now, and the socket remembers it: a peer that is gone has no address any more.
  const address = RequestHead.clientAddress(request)
  const expected = Number.isNaN(told) ? Number.POSITIVE_INFINITY : told
  const allocate = (onDisplaced: () => void) =>
    arrivals.allocate(isByAddress ? clientKey(address) : undefined, onDisplaced)
  const body = arriving(allocate, RequestHead.estimateBytesOf(request), { expected, maxBytes })
  // A connection that breaks is the server's matter. Who is told of it and then, in the same turn, that the answer is over,
  // listens no more when the fault is due: without any listener it would end the process.
  if (request.source instanceof IncomingMessage) request.source.on("error", ignore)
  // It begins within what ends it: whoever is interrupted in between would hold its place for ever.
  yield* Effect.ensuring(
    Effect.suspend((): Effect.Effect<void, Refused | BodyUnreadable> => {
      const error = body.begin()
      if (error !== undefined) return Effect.fail(error)
      return isCollectable(request) ? collect(request.source as IncomingMessage, body) : collectStream(request, body)
    }),
    Effect.sync(body.leave)
  )
  // It may have been displaced between its last piece and now.
  const refused = body.refused()
  if (refused !== undefined) return yield* Effect.fail(refused)
  return body.pieces.take()
})
