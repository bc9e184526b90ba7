/**
 * Writes a chat to its visitor: as the platform's stream of bytes, or directly to Node's response. The stream would cost an
 * eighth of an idle chat's memory, and resume a fiber for each token.
 *
 * @module
 */
import { ServerResponse } from "node:http"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Cause, Effect, type Pull, Stream } from "effect"
import { type HttpEffect, HttpServerResponse } from "effect/http"
import type { Chat, ChatSink } from "./Chat.ts"

/** The frames as a stream of bytes. */
export const toStream = (chat: Chat): Stream.Stream<Uint8Array> =>
  Stream.suspend(() => {
    const take: Pull.Pull<readonly [Uint8Array]> = Effect.callback((resume) =>
      chat.next((text) => resume(text === undefined ? Cause.done() : Effect.succeed([Buffer.from(text)])))
    )
    return Stream.fromPull(Effect.succeed(take))
  })

/** Writes frames as they arrive, with the backpressure of the socket. */
class Writer implements ChatSink {
  private readonly chat: Chat
  private readonly response: ServerResponse
  private readonly done: () => void

  constructor(chat: Chat, response: ServerResponse, done: () => void) {
    this.chat = chat
    this.response = response
    this.done = done
  }

  get destroyed(): boolean {
    return this.response.destroyed
  }

  /** Destroys the socket of the request, because a response that is queued behind other responses has no socket yet. */
  destroy(): void {
    this.response.req.socket.destroy()
  }

  takeNext(): void {
    this.chat.next(this.write)
  }

  private readonly write = (text: string | undefined) => {
    const { response } = this
    // The visitor has disconnected, and the request is about to end.
    if (response.destroyed) return
    if (text === undefined) {
      response.end()
      this.done()
    } else if (response.write(text)) this.takeNext()
    else response.once("drain", () => this.takeNext())
  }
}

/** Writes a chat to a response whose head has been written, and calls `done` after the last frame. */
export const write = (chat: Chat, response: ServerResponse, done: () => void): void => {
  // Frees the raw headers: they are not read again, and browsers send large ones.
  response.req.rawHeaders.length = 0
  response.once("close", () => chat.detach())
  const writer = new Writer(chat, response, done)
  chat.attach(writer)
  writer.takeNext()
}

/** The platform's placeholder for a response that was already sent. */
const sent = Effect.succeed(HttpServerResponse.empty())

const writeHead = (response: ServerResponse, { headers, status }: HttpServerResponse.HttpServerResponse): boolean => {
  try {
    response.writeHead(status, headers)
    return true
  } catch {
    return false
  }
}

/** Completes when the last frame has been written. Of the request, retains only the chat and the response. */
const deliver = (chat: Chat, response: ServerResponse): typeof sent =>
  Effect.interruptible(
    Effect.callback((resume) => {
      write(chat, response, () => resume(sent))
      return Effect.sync(() => response.destroy())
    })
  )

/**
 * Makes the handler that writes the chat directly to Node's response, after all middleware has run. If middleware replaced
 * `body`, the server is not Node's, or the head cannot be written, the platform sends the response. The handler is interrupted
 * when the visitor disconnects.
 */
export const direct =
  (chat: Chat, body: HttpServerResponse.HttpServerResponse["body"]): HttpEffect.PreResponseHandler =>
  (request, answer) => {
    const response = answer.body === body ? NodeHttpServerRequest.toServerResponse(request) : undefined
    if (!(response instanceof ServerResponse) || response.destroyed || !writeHead(response, answer)) {
      return Effect.succeed(answer)
    }
    return deliver(chat, response)
  }
