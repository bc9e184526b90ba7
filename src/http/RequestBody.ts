/**
 * Reads a request's body as the published contract says: which content types are JSON, what is said of a body that is
 * none, and how large it may be.
 *
 * The endpoints use this in place of the platform's own decoding of payloads, since that decodes UTF-8 leniently (a
 * stored text would differ from the one that was sent), answers an unknown content type by itself, and does not keep the
 * text of the body.
 *
 * @module
 */
import { IncomingMessage } from "node:http"
import { ByteSize, Data, Effect, Result } from "effect"
import { HttpIncomingMessage, type HttpServerRequest } from "effect/http"
import type { ValidationError } from "../contract/Errors.ts"
import * as Json from "../core/Json.ts"

/** The body does not validate: every fault. */
export class InvalidBody extends Data.TaggedError("InvalidBody")<{ readonly errors: ReadonlyArray<ValidationError> }> {}

/** The body is longer than `HttpIncomingMessage.MaxBodySize`. */
export class BodyTooLarge extends Data.TaggedError("BodyTooLarge")<{ readonly maxBytes: number }> {}

/** The body did not arrive whole: the client went away, or broke the rules of HTTP. */
export class BodyUnreadable extends Data.TaggedError("BodyUnreadable") {}

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

/**
 * Collects a body whose length its head tells, from Node's own message. The platform's way is for streams of any kind and
 * waits for the message to close as well: for a small body that costs a tenth of the whole request.
 */
const collect = (message: IncomingMessage): Effect.Effect<Uint8Array, BodyUnreadable> =>
  Effect.callback((resume) => {
    const chunks: Array<Buffer> = []
    const stop = () => {
      message.off("data", onData).off("end", onEnd).off("error", onBreak).off("close", onBreak)
    }
    const onData = (chunk: Buffer) => {
      chunks.push(chunk)
    }
    const onEnd = () => {
      stop()
      resume(Effect.succeed(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    }
    const onBreak = () => {
      stop()
      resume(Effect.fail(new BodyUnreadable()))
    }
    message.on("data", onData).on("end", onEnd).on("error", onBreak).on("close", onBreak)
    return Effect.sync(stop)
  })

/** Whether Node's parser bounds the body already, and nobody has begun to read it or waits to be told to send it. */
const isCollectable = (request: HttpServerRequest.HttpServerRequest): boolean =>
  request.source instanceof IncomingMessage &&
  request.headers["content-length"] !== undefined &&
  request.headers["expect"] === undefined &&
  !request.source.readableDidRead &&
  !request.source.destroyed

/** Reads the bytes of a request's body. */
export const readBytes = Effect.fnUntraced(function* (
  request: HttpServerRequest.HttpServerRequest
): Effect.fn.Return<Uint8Array, BodyTooLarge | BodyUnreadable> {
  const limit = yield* HttpIncomingMessage.MaxBodySize
  const maxBytes = limit === undefined ? Number.POSITIVE_INFINITY : ByteSize.toNumberUnsafe(limit)
  // What says that it is too large need not be received.
  if (Number(request.headers["content-length"]) > maxBytes) return yield* new BodyTooLarge({ maxBytes })
  if (isCollectable(request)) return yield* collect(request.source as IncomingMessage)
  const buffer = yield* Effect.mapError(request.arrayBuffer, (error) =>
    error.reason._tag === "RequestParseError" && error.reason.reason === "BodyTooLarge"
      ? new BodyTooLarge({ maxBytes })
      : new BodyUnreadable()
  )
  return new Uint8Array(buffer)
})

/** Reads the body of a request. */
export const read = (
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<Body, InvalidBody | BodyTooLarge | BodyUnreadable> =>
  Effect.flatMap(readBytes(request), (bytes) => Effect.fromResult(parse(bytes, request.headers["content-type"])))
