/**
 * The answers that run in this process, for conversations with memory. Each answer runs in its own fiber, is stored while it
 * arrives, and continues for a while without a reader, so that a visitor who returns can resume it on any process. `Drain` signals
 * them and other long streams to end, so that they write their last frame before the process ends.
 *
 * @module
 */
import {
  Clock,
  Context,
  Deferred,
  Duration,
  Effect,
  Exit,
  Fiber,
  FiberMap,
  FiberSet,
  Layer,
  Option,
  PubSub,
  Schedule,
  type Scope,
  Stream
} from "effect"
import type { MessageId } from "../platform/Id.ts"
import * as Rounds from "../platform/rounds/Rounds.ts"
import { type AgentError, AgentStream } from "./AgentStream.ts"
import type { AgentRequest } from "./agent/Agent.ts"
import * as ChatResponse from "./ChatResponse.ts"
import { ConversationStore, type NewTurn } from "./ConversationStore.ts"
import type { AnswerEnding, ConversationKey } from "./conversations/Conversation.ts"
import { type AgentExit, type Events, type Logged, type Options, RunningAnswer } from "./RunningAnswer.ts"

export class Drain extends Context.Service<
  Drain,
  {
    /** Completes at the end of the grace period. */
    readonly expired: Effect.Effect<void>
    /** Starts the grace period. Called once, when the process shuts down. */
    readonly start: Effect.Effect<void>
  }
>()("hydracore/chat/Drain") {}

/** The grace period may start while the scope closes, in a finalizer that was added after this. */
export const makeDrain = Effect.fnUntraced(function* (options: {
  readonly grace: Duration.Input
}): Effect.fn.Return<Drain["Service"], never, Scope.Scope> {
  const expired = yield* Deferred.make<void>()
  const fork = yield* FiberSet.makeRuntime()
  return Drain.of({
    expired: Deferred.await(expired),
    start: Effect.sync(() => fork(Effect.delay(Deferred.succeed(expired, undefined), options.grace)))
  })
})

export interface NewAnswer extends NewTurn {
  readonly request: AgentRequest
  /** Whether the answer continues without a reader, for `Options.resume`. */
  readonly isResumable: boolean
  /** Called once when the answer has ended. */
  readonly onEnd: () => void
}

type BeginError = Effect.Error<ReturnType<ConversationStore["Service"]["begin"]>>

export class RunningAnswers extends Context.Service<
  RunningAnswers,
  {
    /**
     * Sends the question to the agent and stores the turn concurrently. The first event comes after both. The last event comes
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
>()("hydracore/chat/RunningAnswers") {}

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

export const layer = (options: Options): Layer.Layer<RunningAnswers, never, ConversationStore | AgentStream | Drain> =>
  Layer.effect(
    RunningAnswers,
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const agent = yield* AgentStream
      const drain = yield* Drain
      const clock = yield* Clock.Clock
      const metrics = yield* ChatResponse.makeMetrics
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
      const hold = (answer: RunningAnswer) =>
        Effect.acquireRelease(countReader(answer, 1), () => countReader(answer, -1))

      const read = (answer: RunningAnswer): Events => Stream.unwrap(Effect.as(hold(answer), answer.events))

      /** Reads the agent's events until the last one, or until the answer has ended otherwise. */
      const readAgent = (answer: RunningAnswer, request: AgentRequest): Effect.Effect<void, AgentError> => {
        const sentAt = clock.currentTimeMillisUnsafe()
        let hasText = false
        return agent.stream(request).pipe(
          Stream.runForEachArray((events) =>
            Effect.sync(() => {
              const texts = events.filter(({ _tag }) => _tag === "Text").length
              if (texts > 0) metrics.tokens(texts)
              if (texts > 0 && !hasText) metrics.firstToken(clock.currentTimeMillisUnsafe() - sentAt)
              hasText ||= texts > 0
              answer.push(events)
            })
          ),
          Effect.timeoutOrElse({
            duration: options.maxDuration,
            orElse: () => Effect.sync(() => answer.fail("the answer took longer than CHAT_MAX_DURATION"))
          }),
          Effect.interruptible
        )
      }

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
        if (!answer.isOver && Exit.isFailure(exit)) metrics.agentFailed(exit.cause, answer.isAccepted)
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
        yield* Effect.logWarning("An answer could not be stored", stored.cause)
        answer.endUnstored()
        return false
      })

      /** Runs an answer to its end. `begun` completes when the turn is stored. Its interruption gives up storing the answer. */
      const run = (
        answer: RunningAnswer,
        { answerId, from, key, message, onEnd, request, visitorHashes }: NewAnswer,
        begun: Deferred.Deferred<void, BeginError>
      ): Effect.Effect<void> =>
        Effect.gen(function* () {
          const agentFiber = yield* Effect.forkChild(readAgent(answer, request), { startImmediately: true })
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

      const begin: RunningAnswers["Service"]["begin"] = Effect.fnUntraced(function* (turn) {
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
      yield* Effect.forkScoped(Effect.andThen(drain.expired, cut))
      yield* Effect.addFinalizer(() => {
        const ended = FiberMap.awaitEmpty(fibers)
        return Effect.raceFirst(ended, drain.expired).pipe(
          Effect.andThen(cut),
          Effect.andThen(Effect.timeoutOption(ended, storeGrace)),
          Effect.ignore
        )
      })

      return RunningAnswers.of({
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
      })
    })
  )
