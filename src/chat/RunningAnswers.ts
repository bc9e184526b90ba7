/**
 * The answers that run in this process, for conversations with memory. Each answer runs in its own fiber, is stored while it
 * arrives, and continues for a while without a reader, so that a visitor who returns can resume it on any process.
 *
 * @module
 */
import {
  Array as Arr,
  Cause,
  Deferred,
  Duration,
  Effect,
  Exit,
  Fiber,
  FiberMap,
  Option,
  PubSub,
  Schedule,
  type Scope,
  Semaphore,
  Stream,
  type Take
} from "effect"
import type { MessageId } from "../platform/Id.ts"
import * as Rounds from "../platform/rounds/Rounds.ts"
import { AgentBroken, type AgentError } from "./AgentStream.ts"
import type { AgentEvent } from "./agent/Agent.ts"
import { ConversationStore, type NewTurn } from "./ConversationStore.ts"
import * as AnswerParts from "./conversations/AnswerParts.ts"
import type { AnswerEnding, ConversationKey } from "./conversations/Conversation.ts"

export interface Options {
  /** How long an answer continues without a reader; `None` ends it when its last reader leaves. */
  readonly resume: Option.Option<Duration.Duration>
  /** The maximum duration of an answer. */
  readonly maxDuration: Duration.Input
  /** The maximum length of an answer's text, in bytes of UTF-8. */
  readonly maxBytes: number
  /** Completes at the end of the grace period of this process, which cuts the answers. */
  readonly graceExpired: Effect.Effect<void>
}

/** The events of an answer, from its first event on. */
export type Events = Stream.Stream<AgentEvent, AgentError>

export interface NewAnswer extends NewTurn {
  /** The agent's answer, which is requested when it is read. */
  readonly events: Stream.Stream<AgentEvent, AgentError>
  /** Whether the answer continues without a reader, for `Options.resume`. */
  readonly isResumable: boolean
  /** Called once when the answer has ended. */
  readonly onEnd: () => void
}

type BeginError = Effect.Error<ReturnType<ConversationStore["Service"]["begin"]>>

export interface RunningAnswers {
  /**
   * Requests the agent's answer and stores the turn concurrently. The first event comes after both. The last event comes
   * after the whole answer is stored, so that the next turn finds the answer. The scope is that of the visitor's request:
   * while it is open, the answer has a reader. On failure, nothing runs and `onEnd` was called.
   */
  readonly begin: (answer: NewAnswer) => Effect.Effect<Events, BeginError, Scope.Scope>
  /** An answer that runs in this process. A slow reader does not slow the agent. */
  readonly read: (answerId: MessageId) => Option.Option<Events>
  /**
   * Ends the answers of a conversation that run in this process, and waits until they are stored. False if none ran, or if
   * other processes had ended them.
   */
  readonly end: (key: ConversationKey, ending: "stopped" | "superseded") => Effect.Effect<boolean>
}

/** The maximum number of events of one answer other than its text: sources and tool activity. */
const maxOtherEvents = 2_000

type Finish = AgentEvent & { readonly _tag: "Finish" }
type Usage = AgentEvent & { readonly _tag: "Usage" }

/** How the agent's events ended. */
type AgentExit = Exit.Exit<void, AgentError>

/** What the log of an answer holds: an event, or the end. */
type Logged = AgentEvent | { readonly _tag: "End"; readonly exit: AgentExit }

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
class RunningAnswer {
  readonly answerId: MessageId
  readonly key: ConversationKey
  /** Holds all events for readers of any time. Readers do not slow the agent. */
  readonly log: PubSub.PubSub<Logged>
  /** The fiber that reads the agent's events. */
  agentFiber: Fiber.Fiber<void, AgentError> | undefined
  /** Completes when the answer is stored: true if this process ended it. */
  readonly ended = Deferred.makeUnsafe<boolean>()
  usage: Usage | null = null
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

  constructor({ answerId, isResumable, key }: NewAnswer, { maxBytes, resume }: Options, log: PubSub.PubSub<Logged>) {
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

  /** The events to store, and the position of the first. If the previous attempt failed, the same: it may have stored them. */
  nextPiece(): { readonly position: number; readonly events: ReadonlyArray<AgentEvent> } {
    if (this.attempted.length === 0) {
      this.attempted = AnswerParts.joinTexts(this.fresh)
      this.fresh = []
    }
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

/** How often events that have waited are stored, so that other processes can follow them. */
const storeInterval = Duration.millis(100)

/** How often the leases of the answers are extended. This also finds the answers that other processes have ended. */
const checkInterval = Duration.millis(500)

/** Storing an answer is retried for about half a minute: a database that restarts is available again by then. */
const firstRetry = Duration.millis(100)
const retries = {
  schedule: Schedule.exponential("200 millis"),
  times: 7,
  while: ({ _tag }: { readonly _tag: string }) => _tag === "StorageUnavailable"
}

/** How long a process that shuts down waits for its answers to be stored, after the grace period. */
const storeGrace = Duration.seconds(4)

/** Runs answers until the scope closes, which waits for them within the grace period. */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<RunningAnswers, never, ConversationStore | Scope.Scope> {
  const store = yield* ConversationStore
  const fibers = yield* FiberMap.make<string>()
  const running = new Map<MessageId, RunningAnswer>()
  /** The timers of the answers without a reader. */
  const unread = yield* FiberMap.make<string>()

  /** Ends an answer once it has had no reader for `resume`, or at once if `resume` is `None`. */
  const countReader = (answer: RunningAnswer, change: 1 | -1) =>
    Effect.suspend(() => {
      answer.readers += change
      if (answer.isOver) return Effect.void
      if (answer.readers > 0) return FiberMap.remove(unread, answer.answerId)
      const end = (ending: AnswerEnding) => Effect.sync(() => answer.end(ending))
      return Option.match(answer.resume, {
        onNone: () => end("stopped"),
        onSome: (resume) => FiberMap.run(unread, answer.answerId, Effect.delay(end("cut"), resume))
      })
    })

  /** Counts a reader while the scope is open. */
  const hold = (answer: RunningAnswer) => Effect.acquireRelease(countReader(answer, 1), () => countReader(answer, -1))

  const read = (answer: RunningAnswer): Events => Stream.unwrap(Effect.as(hold(answer), answer.events))

  /** Reads the agent's events until the last one, or until the answer has ended otherwise. */
  const readAgent = (answer: RunningAnswer, events: Events): Effect.Effect<void, AgentError> =>
    events.pipe(
      Stream.runForEachArray((events) => Effect.sync(() => answer.push(events))),
      Effect.timeoutOrElse({
        duration: options.maxDuration,
        orElse: () => Effect.sync(() => answer.fail("the answer took longer than CHAT_MAX_DURATION"))
      }),
      Effect.interruptible
    )

  /** Stores the events that an answer got since the last time. */
  const storePiece = (answer: RunningAnswer): Effect.Effect<void> =>
    Effect.suspend(() => {
      const { events, position } = answer.nextPiece()
      if (events.length === 0 || answer.isOver) return Effect.void
      return store.append({ answerId: answer.answerId, position, events }).pipe(
        Effect.tap((isRunning) =>
          Effect.sync(() => {
            answer.markStored()
            if (!isRunning) answer.end("stopped")
          })
        ),
        // The next round tries again, and `complete` stores the whole answer.
        Effect.catch((error) => Effect.logDebug("The events of an answer were not stored", error))
      )
    }).pipe(answer.storing.withPermits(1))

  // All answers at once, so that they share a statement and its commit.
  const storePieces = Effect.suspend(() => {
    const due = [...running.values()].filter((answer) => answer.beginRound())
    // Exits, so that a defect in one does not interrupt the others.
    const exits = Effect.forEach(due, (answer) => Effect.exit(storePiece(answer)), { concurrency: "unbounded" })
    return Effect.flatMap(exits, Exit.asVoidAll)
  })
  yield* Effect.sleep(storeInterval).pipe(
    Effect.andThen(storePieces),
    Rounds.recover("The events of answers could not be stored; retrying"),
    Effect.forever,
    Effect.forkScoped
  )

  /** Stores the whole answer, ends its log, and returns whether this process ended it. */
  const settle = Effect.fnUntraced(function* (answer: RunningAnswer, exit: AgentExit) {
    const ending = answer.endingAfter(exit)
    const { answerId, parts, usage } = answer
    const complete = store.complete({ answerId, parts, ending, usage })
    // Storing a piece ends first: `complete` deletes the pieces, but would miss one that is stored at the same time.
    const stored = yield* answer.storing
      .withPermits(1)(complete)
      .pipe(
        Effect.catchTag("StorageUnavailable", () => Effect.retry(Effect.delay(complete, firstRetry), retries)),
        Effect.interruptible,
        Effect.exit
      )
    if (Exit.isSuccess(stored)) {
      answer.endStored(ending, exit)
      return stored.value
    }
    yield* Rounds.logFailure("An answer could not be stored", stored.cause)
    answer.endUnstored()
    return false
  })

  /** Runs an answer to its end. `begun` completes when the turn is stored. Its interruption gives up storing the answer. */
  const run = (
    answer: RunningAnswer,
    { answerId, events, from, key, message, onEnd, visitorHashes }: NewAnswer,
    begun: Deferred.Deferred<void, BeginError>
  ): Effect.Effect<void> =>
    Effect.gen(function* () {
      const agentFiber = yield* Effect.forkChild(readAgent(answer, events), { startImmediately: true })
      answer.agentFiber = agentFiber
      const stored = yield* Effect.exit(store.begin({ answerId, key, message, from, visitorHashes }))
      if (Exit.isFailure(stored)) {
        agentFiber.interruptUnsafe()
        onEnd()
        yield* Deferred.done(begun, stored)
        return
      }
      running.set(answerId, answer)
      yield* Deferred.done(begun, stored)
      const settled = yield* Effect.exit(settle(answer, yield* Fiber.await(agentFiber)))
      running.delete(answerId)
      yield* FiberMap.remove(unread, answerId)
      onEnd()
      yield* Deferred.succeed(answer.ended, Exit.isSuccess(settled) && settled.value)
    }).pipe(Effect.uninterruptible)

  const begin: RunningAnswers["begin"] = Effect.fnUntraced(function* (turn) {
    const log = yield* PubSub.unbounded<Logged>({ replay: Number.POSITIVE_INFINITY })
    const answer = new RunningAnswer(turn, options, log)
    const begun = yield* Deferred.make<void, BeginError>()
    yield* FiberMap.run(fibers, turn.answerId, run(answer, turn, begun), { startImmediately: true })
    yield* Deferred.await(begun)
    yield* hold(answer)
    return read(answer)
  }, Effect.uninterruptible)

  /** Extends the leases, and ends the answers that other processes have ended. */
  const renew = Effect.suspend(() => {
    if (running.size === 0) return Effect.void
    const answers = [...running.values()]
    return store.renew(answers.map(({ answerId }) => answerId)).pipe(
      Effect.tap((runningIds) =>
        Effect.sync(() => {
          for (const answer of answers) if (!runningIds.has(answer.answerId)) answer.end("stopped")
        })
      ),
      // The leases last several intervals, so a later attempt is early enough.
      Effect.catch((error) => Effect.logDebug("The leases of answers were not extended", error))
    )
  })
  yield* Effect.sleep(checkInterval).pipe(
    Effect.andThen(renew),
    Rounds.recover("The leases of answers could not be extended; retrying"),
    Effect.forever,
    Effect.forkScoped
  )

  // Answers may finish within the grace period. Those that run longer are stored as far as they arrived,
  // while connections close.
  const cut = Effect.sync(() => {
    for (const answer of running.values()) answer.end("cut")
  })
  yield* Effect.forkScoped(Effect.andThen(options.graceExpired, cut))
  yield* Effect.addFinalizer(() => {
    const ended = FiberMap.awaitEmpty(fibers)
    return Effect.raceFirst(ended, options.graceExpired).pipe(
      Effect.andThen(cut),
      Effect.andThen(Effect.timeoutOption(ended, storeGrace)),
      Effect.ignore
    )
  })

  return {
    begin,
    read: (answerId) => Option.map(Option.fromUndefinedOr(running.get(answerId)), read),
    end: (key, ending) =>
      Effect.suspend(() => {
        const ofConversation = [...running.values()].filter(
          (answer) => answer.key.instanceId === key.instanceId && answer.key.conversationId === key.conversationId
        )
        for (const answer of ofConversation) answer.end(ending)
        return Effect.map(
          Effect.forEach(ofConversation, ({ ended }) => Deferred.await(ended)),
          (all) => all.includes(true)
        )
      })
  }
})
