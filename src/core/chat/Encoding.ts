/**
 * Encodes the events of one answer in the protocol of a client. Each protocol is a pure `Encoder`; an `Encoding` holds the
 * state of one answer.
 *
 * @module
 */
import type { AgentEvent } from "./Agent.ts"
import type { Failure } from "./Failure.ts"

/** What moves a chat stream on. */
export type Event = AgentEvent | { readonly _tag: "Failed"; readonly failure: Failure }

/** What an encoder knows of an answer before its first event. */
export interface Options {
  readonly messageId: string
  readonly conversationId: string
  /** Whether the edge keeps the conversation for the visitor. */
  readonly memory: boolean
  /** The most that the agent may say, in bytes of UTF-8. */
  readonly maxBytes: number
}

export interface Encoder<State extends { readonly failure: Failure | null }> {
  /** The state of a stream of which nothing was sent. */
  readonly initial: (options: Options) => State
  /** The next state, and the text to send (maybe none). After the end, everything is ignored. */
  readonly encodeAll: (state: State, events: Iterable<Event>) => readonly [State, string]
  /** Whether the last frame was written: nothing follows. */
  readonly isEnded: (state: State) => boolean
}

/** The encoding of one answer. */
export interface Encoding {
  /** The text to send for these events. */
  readonly encode: (events: Iterable<Event>) => string
  readonly isEnded: boolean
  /** Why the stream ended, if it ended badly. */
  readonly failure: Failure | null
}

class StatefulEncoding<State extends { readonly failure: Failure | null }> implements Encoding {
  private readonly encoder: Encoder<State>
  private state: State

  constructor(encoder: Encoder<State>, options: Options) {
    this.encoder = encoder
    this.state = encoder.initial(options)
  }

  encode(events: Iterable<Event>): string {
    const [state, text] = this.encoder.encodeAll(this.state, events)
    this.state = state
    return text
  }

  get isEnded(): boolean {
    return this.encoder.isEnded(this.state)
  }

  get failure(): Failure | null {
    return this.state.failure
  }
}

/** Begins the encoding of an answer. */
export type Begin = (options: Options) => Encoding

export const make =
  <State extends { readonly failure: Failure | null }>(encoder: Encoder<State>): Begin =>
  (options) =>
    new StatefulEncoding(encoder, options)
