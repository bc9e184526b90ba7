/**
 * Answers, with a JSON body, the requests that Node itself would answer without a body or not at all: invalid HTTP, requests
 * that are too large or too slow, unsupported expectations, `CONNECT`, and HTTP/1.1 without `Host`. Counts them as requests
 * and decisions.
 *
 * @module
 */
import { type IncomingMessage, type RequestListener, type Server, type ServerResponse, STATUS_CODES } from "node:http"
import type { Socket } from "node:net"
import type { Context } from "effect"
import { constVoid } from "effect/Function"
import type { HttpServerResponse } from "effect/http"
import * as Metrics from "../telemetry/Metrics.ts"
import * as Connections from "./Connections.ts"
import * as Decision from "./Decision.ts"
import * as ErrorResponses from "./ErrorResponses.ts"
import * as Origin from "./Origin.ts"
import * as RequestMetrics from "./RequestMetrics.ts"
import * as Routes from "./Routes.ts"

type Answer = HttpServerResponse.HttpServerResponse

const decision: Decision.Reason = "invalid"

const closing = { ...Origin.answerHeaders, [Decision.header]: decision, connection: "close" }

const timedOut = ErrorResponses.refusal(408, "The request did not arrive in time. Send it again.", closing)

const notHttp = ErrorResponses.refusal(400, "The request is not valid HTTP/1.1. Correct it and send it again.", closing)

const noHost = ErrorResponses.refusal(400, "The request has no Host header, which HTTP/1.1 requires. Add one.", closing)

const unsupportedExpectation = ErrorResponses.refusal(
  417,
  "The only supported expectation is 100-continue. Send the request without its Expect header.",
  { ...Origin.answerHeaders, [Decision.header]: decision }
)

const methods = "GET, HEAD, POST, OPTIONS"

const noProxy = ErrorResponses.refusal(405, `This is not a proxy. It supports the methods ${methods}.`, {
  ...closing,
  allow: methods
})

/** Browsers and proxies send a tenth. Parsing many short headers takes longer than the limit of their bytes suggests. */
const maxHeaders = 200

const tooManyHeaders = ErrorResponses.refusal(
  431,
  `The request has more than ${maxHeaders} headers. Send fewer.`,
  closing
)

/** The responses by the error code that Node reports for a parse error or a timeout. Other codes get `notHttp`. */
const byCode = (maxHeaderSize: number): ReadonlyMap<string, Answer> =>
  new Map([
    [
      "HPE_HEADER_OVERFLOW",
      ErrorResponses.refusal(
        431,
        `The head of the request is larger than ${maxHeaderSize} bytes. Send fewer or shorter headers.`,
        closing
      )
    ],
    [
      "HPE_CHUNK_EXTENSIONS_OVERFLOW",
      ErrorResponses.refusal(
        413,
        "The chunk extensions of the body are too large. Send the body without them.",
        closing
      )
    ],
    [
      "HPE_INVALID_EOF_STATE",
      ErrorResponses.refusal(400, "The request ended before it was complete. Send all of it.", closing)
    ],
    ["HPE_PAUSED_H2_UPGRADE", ErrorResponses.refusal(400, "HTTP/2 is not supported. Use HTTP/1.1.", closing)],
    ["ERR_HTTP_REQUEST_TIMEOUT", timedOut]
  ])

const bodyOf = ({ body }: Answer): Buffer => (body._tag === "Uint8Array" ? Buffer.from(body.body) : Buffer.alloc(0))

/** Serializes a response for a socket without a `ServerResponse`. */
const serialize = (answer: Answer): string => {
  const body = bodyOf(answer).toString("utf8")
  const fields = { ...answer.headers, "content-length": Buffer.byteLength(body) }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}\r\n${lines.join("")}\r\n${body}`
}

/**
 * Whether a response can be written to a connection: not after another response has begun, nor while an earlier complete
 * request is unanswered, since the client would take the response for the one to that request.
 */
const canAnswer = (socket: Socket): boolean => {
  const response = Connections.currentResponse(socket)
  return socket.writable && (!response || !(response.headersSent || response.req.complete))
}

/** Sends a response through Node's `ServerResponse`, which `RequestMetrics` counts. */
const respond = (response: ServerResponse, answer: Answer): void => {
  response.writeHead(answer.status, { ...answer.headers })
  response.end(bodyOf(answer))
}

/** Refuses a request with an unknown expectation. */
export const refuseExpectation: RequestListener = (_, response) => respond(response, unsupportedExpectation)

const isWithoutHost = ({ headers, httpVersionMajor, httpVersionMinor }: IncomingMessage): boolean =>
  headers.host === undefined && httpVersionMajor === 1 && httpVersionMinor === 1

/** Wraps a listener: HTTP/1.1 requests without a `Host` and requests with too many headers are refused. */
export const requireValidHead =
  (listener: RequestListener): RequestListener =>
  (request, response) => {
    if (request.rawHeaders.length > 2 * maxHeaders) {
      Connections.exclude(request.socket)
      respond(response, tooManyHeaders)
    } else if (isWithoutHost(request)) respond(response, noHost)
    else listener(request, response)
  }

/**
 * Answers the protocol errors of a server. `server` must be created with `requireHostHeader: false`, and its `request` listener
 * must be made by `requireValidHead`, and its `checkExpectation` listener must be `refuseExpectation`.
 */
export const install = (server: Server, maxHeaderSize: number, context: Context.Context<never>): void => {
  const answers = byCode(maxHeaderSize)
  const decisions = Metrics.decisions({ decision })
  const countDecision = () => decisions.updateUnsafe(1, context)
  const requests = new Map(
    [...answers.values(), notHttp, noProxy].map(({ status }) => [
      status,
      Metrics.requests({ route: Routes.other, method: Routes.other, status: String(status) })
    ])
  )
  const countRequest = (status: number) => requests.get(status)?.updateUnsafe(1, context)

  const onClientError = (error: NodeJS.ErrnoException, socket: Socket): void => {
    if (canAnswer(socket)) {
      const answer = answers.get(error.code ?? "") ?? notHttp
      socket.write(serialize(answer))
      const response = Connections.currentResponse(socket)
      if (response) RequestMetrics.recordSocketStatus(response, answer.status)
      // A connection without any bytes, such as a browser's preconnect, made no request.
      else if (socket.bytesRead !== 0) countRequest(answer.status)
      if (socket.bytesRead !== 0) countDecision()
    }
    socket.destroy(error)
  }

  const onConnect = (_: IncomingMessage, socket: Socket): void => {
    // Node has removed its `error` listener, and an error without a listener ends the process.
    socket.on("error", constVoid)
    if (!canAnswer(socket)) return void socket.destroy()
    countRequest(noProxy.status)
    countDecision()
    socket.end(serialize(noProxy), () => socket.destroy())
  }

  server.on("clientError", onClientError).on("connect", onConnect)
}
