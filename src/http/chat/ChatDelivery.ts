/**
 * Writes a chat to its visitor: as the platform's stream of bytes, or directly to Node's response. The stream would take an
 * eighth of an idle chat's memory, and a fiber's turn per token.
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

/** Writes what is said as it is said, and asks for more only when the socket took what was before. */
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

  /** The connection: an answer that waits behind others on it is not brought by any yet. */
  destroy(): void {
    this.response.req.socket.destroy()
  }

  ask(): void {
    this.chat.next(this.write)
  }

  private readonly write = (text: string | undefined) => {
    const { response } = this
    // The visitor has gone, and the request's end is on its way.
    if (response.destroyed) return
    if (text === undefined) {
      response.end()
      this.done()
    } else if (response.write(text)) this.ask()
    else response.once("drain", () => this.ask())
  }
}

/** Writes a chat to a response whose head was written, until its last word, and then calls back. */
export const write = (chat: Chat, response: ServerResponse, done: () => void): void => {
  // The request's head as it came is read by nobody any more, and browsers send much of one.
  response.req.rawHeaders.length = 0
  response.once("close", () => chat.left())
  const writer = new Writer(chat, response, done)
  chat.attach(writer)
  writer.ask()
}

/** Tells the platform that the response has been sent. */
const sent = Effect.succeed(HttpServerResponse.empty())

const writeHead = (response: ServerResponse, { headers, status }: HttpServerResponse.HttpServerResponse): boolean => {
  try {
    response.writeHead(status, headers)
    return true
  } catch {
    return false
  }
}

/** Until the last word was written. It holds on to nothing else of the request. */
const deliver = (chat: Chat, response: ServerResponse): typeof sent =>
  Effect.interruptible(
    Effect.callback((resume) => {
      write(chat, response, () => resume(sent))
      return Effect.sync(() => response.destroy())
    })
  )

/**
 * Sends the answer whose body is `body` by ourselves, after everything around the handler has had its say about its head. An
 * answer that took its place, one for a server that is not Node's, and one that cannot be begun are left to the platform.
 * The visitor's going interrupts it.
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
