/**
 * What an endpoint that stores sees of a request, and what it gives: the same whether the request came through the router
 * (the groups of `http/Analytics` and `http/Forms`) or past it (`http/Direct`).
 *
 * @module
 */
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
}

/** An answer without a body, as it is written: what nearly every page view gets. */
export interface Brief {
  readonly _tag: "Brief"
  readonly status: number
  /** The name and the value of each header in turn. */
  readonly head: ReadonlyArray<string>
}

export const brief = (status: number, headers: Readonly<Record<string, string>>): Brief => {
  const head: Array<string> = []
  for (const name in headers) if (Object.hasOwn(headers, name)) head.push(name, headers[name]!)
  return { _tag: "Brief", status, head }
}

/** The body of a response is empty or bytes. */
export type Answer = HttpServerResponse.HttpServerResponse | Brief

export const isBrief = (answer: Answer): answer is Brief => "_tag" in answer && answer._tag === "Brief"

/** The answer for the router. */
export const toResponse = (answer: Answer): HttpServerResponse.HttpServerResponse =>
  isBrief(answer)
    ? HttpServerResponse.empty({
        status: answer.status,
        headers: Array.from(
          { length: answer.head.length / 2 },
          (_, index) => [answer.head[2 * index]!, answer.head[2 * index + 1]!] as const
        )
      })
    : answer

/** Answers a request whose body was read whole. */
export type Endpoint = (asked: Asked, body: Uint8Array) => Effect.Effect<Answer>

/** A request that came through the router. */
export const fromRequest = (request: HttpServerRequest.HttpServerRequest): Asked => ({
  url: request.url,
  headers: request.headers,
  address: Admission.clientAddress(request)
})
