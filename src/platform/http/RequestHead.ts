/**
 * A request without its body.
 *
 * @module
 */
import { IncomingMessage } from "node:http"
import { Option } from "effect"
import type { HttpServerRequest } from "effect/http"
import type { RequestHead } from "../contract/Received.ts"

export type { RequestHead } from "../contract/Received.ts"

/** Estimated overhead per header, in bytes. */
const headerOverhead = 64

/** Estimates the bytes that a head holds in memory. `rawHeaders` alternates names and values. */
export const estimateBytes = (rawHeaders: ReadonlyArray<string>): number => {
  let bytes = (headerOverhead / 2) * rawHeaders.length
  for (const text of rawHeaders) bytes += text.length
  return bytes
}

/** Estimates the bytes of the head and the URL of a request that came through the router; 0 if Node did not parse it. */
export const estimateBytesOf = ({ source, url }: HttpServerRequest.HttpServerRequest): number =>
  source instanceof IncomingMessage ? estimateBytes(source.rawHeaders) + url.length : 0

/** The client's address: the socket's peer, or the one that a trusted proxy names (see `platform/http/Forwarded`). */
export const clientAddress = (request: HttpServerRequest.HttpServerRequest): string =>
  Option.getOrElse(request.remoteAddress, () => "unknown")

/** The head of a request that came through the router. */
export const fromRequest = (request: HttpServerRequest.HttpServerRequest): RequestHead => ({
  url: request.url,
  headers: request.headers,
  address: clientAddress(request),
  peer: (request.source instanceof IncomingMessage ? request.source.socket.remoteAddress : undefined) ?? "unknown",
  headBytes: estimateBytesOf(request)
})
