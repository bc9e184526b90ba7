/**
 * One running answer: which of the agent's events it keeps for its readers, which of them are stored, and how it ends.
 *
 * @module
 */
import {
  Array as Arr,
  Cause,
  Deferred,
  type Duration,
  Exit,
  type Fiber,
  Option,
  PubSub,
  Semaphore,
  Stream,
  type Take
} from "effect"
import type { MessageId } from "../platform/Id.ts"
import { AgentBroken, type AgentError } from "./AgentStream.ts"
import type { AgentEvent } from "./agent/Agent.ts"
import * as AnswerParts from "./conversations/AnswerParts.ts"
import type { AnswerEnding, ConversationKey } from "./conversations/Conversation.ts"

export interface Options {
  /** How long an answer continues without a reader; `None` ends it when its last reader leaves. */
  readonly resume: Option.Option<Duration.Duration>
  /** The maximum duration of an answer. */
  readonly maxDuration: Duration.Input
  /** The maximum length of an answer's text, in bytes of UTF-8. */
  readonly maxBytes: number
}

/** What identifies an answer. */
interface Begun {
  readonly answerId: MessageId
  readonly key: ConversationKey
  /** Whether the answer continues without a reader, for `Options.resume`. */
  readonly isResumable: boolean
}

/** The events of an answer, from its first event on. */
export type Events = Stream.Stream<AgentEvent, AgentError>

/** The maximum number of events of one answer other than its text: sources and tool activity. */
const maxOtherEvents = 2_000

type Finish = AgentEvent & { readonly _tag: "Finish" }
type Usage = AgentEvent & { readonly _tag: "Usage" }

/** How the agent's events ended. */
export type AgentExit = Exit.Exit<void, AgentError>

/** What the log of an answer holds: an event, or the end. */
export type Logged = AgentEvent | { readonly _tag: "End"; readonly exit: AgentExit }

/** The events and the end that a reader takes together, with adjacent texts joined: a late or slow reader has many to take. */
const takesOf = (
  logged: Arr.NonEmptyReadonlyArray<Logged>
): Arr.NonEmptyReadonlyArray<Take.Take<AgentEvent, AgentError>> => {
  const events = AnswerParts.joinTexts(logged.filter((each) => each._tag !== "End"))
  const end = logged.at(-1)
  const takes: Array<Take.Take<AgentEvent, AgentError>> = Arr.isReadonlyArrayNonEmpty(events) ? [events] : []
  if (end?._tag === "End") takes.push(end.exit)
  return takes as [Take.Take<AgentEvent, AgentError>]
}

/** One running answer: which of the agent's events it keeps, and how it ends. */
export class RunningAnswer {
  readonly answerId: MessageId
  readonly key: ConversationKey
  /** Holds all events for readers of any time. Readers do not slow the agent. */
  readonly log: PubSub.PubSub<Logged>
  /** The fiber that reads the agent's events. */
  agentFiber: Fiber.Fiber<void, AgentError> | undefined
  /** Completes when the answer is stored: true if this process ended it. */
  readonly ended = Deferred.makeUnsafe<boolean>()
  usage: Usage | null = null
  /** Whether the agent has accepted the request. */
  isAccepted = false
  readers = 0
  /** How long the answer continues without a reader; `None` ends it when its last reader leaves. */
  readonly resume: Options["resume"]
  /** Storing a piece and the whole answer exclude each other: the latter deletes the pieces. */
  readonly storing = Semaphore.makeUnsafe(1)
  /** How many events are stored as pieces. Texts that were joined count as one. */
  private storedEvents = 0
  /** The events of an attempt to store that has not succeeded. */
  private attempted: ReadonlyArray<AgentEvent> = []
  /** The events after them. */
  private fresh: Array<AgentEvent> = []
  /** Whether some of these have waited since the previous round of storing. */
  private hasWaited = false
  private ending: AnswerEnding | undefined
  /** Why the edge made the answer fail: the reason that its readers get. */
  private fault: string | undefined
  private finish: Finish | undefined
  private folded = AnswerParts.none
  private bytes = 0
  private otherEvents = 0
  private isReasoning = false
  private readonly maxBytes: number

  constructor({ answerId, isResumable, key }: Begun, { maxBytes, resume }: Options, log: PubSub.PubSub<Logged>) {
    this.log = log
    this.answerId = answerId
    this.key = key
    this.resume = isResumable ? resume : Option.none()
    this.maxBytes = maxBytes
  }

  /** Whether the answer has ended, or is ending. */
  get isOver(): boolean {
    return this.ending !== undefined
  }

  /** What the agent has answered so far. */
  get parts() {
    return AnswerParts.toWellFormed(this.folded.parts)
  }

  /** All events from the first on, as they arrive. */
  get events(): Events {
    return Stream.fromPubSub(this.log).pipe(Stream.mapArray(takesOf), Stream.flattenTake)
  }

  /** Adds events of the agent. The answer fails once it is longer than `maxBytes`. */
  push(events: ReadonlyArray<AgentEvent>): void {
    if (this.isOver) return
    this.keep(AnswerParts.joinTexts(events.filter((event) => this.count(event))))
    if (this.bytes > this.maxBytes) this.fail("the answer is longer than CHAT_MAX_BYTES")
  }

  /** Ends the answer, unless it has ended or is ending already. */
  end(ending: AnswerEnding): void {
    this.ending ??= ending
    this.agentFiber?.interruptUnsafe()
  }

  fail(fault: string): void {
    if (this.ending === undefined) this.fault = fault
    this.end("failed")
  }

  /** Decides how the answer ended, unless `end` has decided it. A later `end` does not change it. */
  endingAfter(exit: AgentExit): AnswerEnding {
    this.ending ??= Exit.isSuccess(exit)
      ? (this.finish?.reason ?? "failed")
      : Cause.hasInterruptsOnly(exit.cause)
        ? "cut"
        : "failed"
    return this.ending
  }

  /** Ends the log of an answer that is stored with this ending. */
  endStored(ending: AnswerEnding, exit: AgentExit): void {
    // If the edge ended the answer, the exit is only an interrupt, and `fault` has the reason.
    if (ending === "failed" && Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) {
      this.endLog(exit)
      return
    }
    if (this.usage !== null) PubSub.publishUnsafe(this.log, this.usage)
    const last = AnswerParts.lastEvent(ending)
    if (Option.isSome(last)) PubSub.publishUnsafe<Logged>(this.log, last.value)
    this.endLog(Option.isSome(last) ? Exit.void : this.failure(this.fault ?? `the answer ended as ${ending}`))
  }

  /** Ends the log of an answer that could not be stored. */
  endUnstored(): void {
    this.endLog(this.failure("the answer could not be stored"))
  }

  /**
   * Begins a round of storing, and returns whether to store events in it: true if some have waited since the previous round. So an
   * answer that ends within a round stores no piece, and a piece of a long answer has the events of two rounds.
   */
  beginRound(): boolean {
    const isDue = this.attempted.length > 0 || this.hasWaited
    this.hasWaited = !isDue && this.fresh.length > 0
    return isDue
  }

  /**
   * The events to store, and the position of the first. If the previous attempt failed, its events come first. If that attempt has
   * stored its events nevertheless, both pieces begin with the same events.
   */
  nextPiece(): { readonly position: number; readonly events: ReadonlyArray<AgentEvent> } {
    this.attempted = [...this.attempted, ...AnswerParts.joinTexts(this.fresh)]
    this.fresh = []
    return { position: this.storedEvents, events: this.attempted }
  }

  markStored(): void {
    this.storedEvents += this.attempted.length
    this.attempted = []
  }

  private failure(reason: string): AgentExit {
    return Exit.fail(new AgentBroken({ reason }))
  }

  private endLog(exit: AgentExit): void {
    PubSub.endUnsafe(this.log, { _tag: "End", exit })
  }

  private keep(events: ReadonlyArray<AgentEvent>): void {
    for (const event of events) {
      this.fresh.push(event)
      PubSub.publishUnsafe<Logged>(this.log, event)
    }
    this.folded = AnswerParts.addAll(this.folded, events)
  }

  /**
   * Counts an event, and returns whether the log keeps it. The log keeps only the first of successive reasoning events: readers
   * see that the agent reasons, but not its reasoning.
   */
  private count(event: AgentEvent): boolean {
    const wasReasoning = this.isReasoning
    this.isReasoning = event._tag === "Reasoning"
    switch (event._tag) {
      case "Accepted":
        this.isAccepted = true
        return true
      case "Text":
      case "Refusal":
        this.bytes += Buffer.byteLength(event.delta)
        return true
      case "Reasoning":
        return !wasReasoning
      case "Usage":
        this.usage = event
        return false
      case "Finish":
        this.finish = event
        return false
      default:
        return ++this.otherEvents <= maxOtherEvents
    }
  }
}
