/**
 * What an endpoint that stores sees of a request, and what it gives: the same whether the request came through the router
 * (the groups of `http/Analytics` and `http/Forms`) or past it (`http/Direct`).
 *
 * @module
 */
import { IncomingMessage } from "node:http"
import type { Effect } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Admission from "./Admission.ts"

/** A request without its body. */
export interface Asked {
  /** The path and the query. */
  readonly url: string
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The client's address: the socket's peer, or the one that a trusted proxy names. */
  readonly address: string
  /** What its head holds, as `weightOf` says, and its address. */
  readonly headBytes: number
}

/** What a header holds besides its letters, in bytes: many short ones hold ten times theirs. */
const perHeader = 64

/** What a head holds, in bytes, roughly; `rawHeaders` are names and values in turn. */
export const weightOf = (rawHeaders: ReadonlyArray<string>): number => {
  let weight = (perHeader / 2) * rawHeaders.length
  for (const text of rawHeaders) weight += text.length
  return weight
}

/** The same of a request that came through the router, with its address; of one that is not Node's, nothing is known. */
export const headOf = ({ source, url }: HttpServerRequest.HttpServerRequest): number =>
  source instanceof IncomingMessage ? weightOf(source.rawHeaders) + url.length : 0

/** An answer as it is written: what nearly all who send something that is stored get. */
export interface Brief {
  readonly _tag: "Brief"
  readonly status: number
  /** The name and the value of each header in turn. */
  readonly head: ReadonlyArray<string>
  /** JSON in ASCII, or nothing. */
  readonly body: string | undefined
}

/** The body's own headers are added. */
export const brief = (status: number, headers: Readonly<Record<string, string>>, body?: string): Brief => {
  const head: Array<string> = []
  for (const name in headers) if (Object.hasOwn(headers, name)) head.push(name, headers[name]!)
  if (body !== undefined) head.push("content-type", "application/json", "content-length", String(body.length))
  return { _tag: "Brief", status, head, body }
}

/** The body of a response is empty or bytes. */
export type Answer = HttpServerResponse.HttpServerResponse | Brief

export const isBrief = (answer: Answer): answer is Brief => "_tag" in answer && answer._tag === "Brief"

/** The answer for the router. */
export const toResponse = (answer: Answer): HttpServerResponse.HttpServerResponse => {
  if (!isBrief(answer)) return answer
  const { body, head, status } = answer
  const headers = Array.from({ length: head.length / 2 }, (_, at) => [head[2 * at]!, head[2 * at + 1]!] as const)
  return body === undefined
    ? HttpServerResponse.empty({ status, headers })
    : HttpServerResponse.text(body, { status, headers })
}

/** Answers a request whose body was read whole. */
export type Endpoint = (asked: Asked, body: Uint8Array) => Effect.Effect<Answer>

/** A request that came through the router. */
export const fromRequest = (request: HttpServerRequest.HttpServerRequest): Asked => ({
  url: request.url,
  headers: request.headers,
  address: Admission.clientAddress(request),
  headBytes: headOf(request)
})
