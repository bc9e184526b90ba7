/**
 * The answers that run in this process, for conversations with memory. Each answer runs in its own fiber, is stored while it
 * arrives, and continues for a while without a reader, so that a visitor who returns can resume it on any process.
 *
 * @module
 */
import { Context, Deferred, Duration, Effect, Exit, Fiber, Layer, Option, Pull, Schedule, Scope } from "effect"
import type { AgentRequest } from "../core/chat/agent/Agent.ts"
import type { ConversationKey } from "../core/chat/conversation/Conversation.ts"
import * as DeadlineScheduler from "../runtime/DeadlineScheduler.ts"
import * as Rounds from "../runtime/Rounds.ts"
import { AgentBroken, type AgentError, AgentStream } from "../services/chat/AgentStream.ts"
import { ConversationStore, type NewTurn } from "../services/chat/ConversationStore.ts"
import * as AnswerTable from "./AnswerTable.ts"
import * as ChatMetrics from "./ChatMetrics.ts"
import { Drain } from "./Drain.ts"
import * as EventSource from "./EventSource.ts"
import { PieceProgress } from "./PieceProgress.ts"
import { type AgentExit, RunningAnswer } from "./RunningAnswer.ts"

export interface Options {
  /** How long an answer continues without a reader; `None` ends it when its last reader leaves. */
  readonly resume: Option.Option<Duration.Duration>
  /** The maximum duration of an answer. */
  readonly maxDuration: Duration.Input
  /** The maximum length of an answer's text, in bytes of UTF-8. */
  readonly maxBytes: number
}

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
    readonly begin: (answer: NewAnswer) => Effect.Effect<EventSource.EventSource, BeginError, Scope.Scope>
    /** An answer that runs in this process, from its first event on. */
    readonly read: (answerId: string) => Option.Option<EventSource.EventSource>
    /**
     * Ends the answers of a conversation that run in this process, and waits until they are stored. False if none ran, or if
     * other processes had ended them.
     */
    readonly end: (key: ConversationKey, ending: "stopped" | "superseded") => Effect.Effect<boolean>
  }
>()("hydracore/http/RunningAnswers") {}

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

interface Entry extends AnswerTable.Entry {
  readonly pieces: PieceProgress
  /** Completes when the answer is stored: true if this process ended it. */
  readonly ended: Effect.Effect<boolean>
}

export const layer = (options: Options): Layer.Layer<RunningAnswers, never, ConversationStore | AgentStream | Drain> =>
  Layer.effect(
    RunningAnswers,
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const agent = yield* AgentStream
      const drain = yield* Drain
      const answerScope = yield* Scope.make()
      const fork = Effect.runForkWith(yield* Effect.context<never>())
      const maxDuration = Duration.toMillis(Duration.fromInputUnsafe(options.maxDuration))
      const scheduler = yield* DeadlineScheduler.make
      const metrics = yield* ChatMetrics.make
      const running = new AnswerTable.AnswerTable<Entry>()

      /** Ends an answer once it has had no reader for `resume`, or at once if `resume` is `None`. */
      const watchReaders = (resume: Options["resume"], answerOf: () => RunningAnswer) => {
        let timer: Fiber.Fiber<void> | undefined
        const stop = () => {
          timer?.interruptUnsafe()
          timer = undefined
        }
        const changed = (readers: number) => {
          stop()
          if (readers > 0) return
          if (Option.isNone(resume)) answerOf().end("stopped")
          else
            timer = fork(
              Effect.delay(
                Effect.sync(() => answerOf().end("cut")),
                resume.value
              )
            )
        }
        return { changed, stop }
      }

      /** Counts the texts of an answer, and measures the time to the first. */
      const measure = () => {
        let sentAt: number | undefined = scheduler.now()
        return (texts: number) => {
          metrics.tokens(texts)
          if (sentAt !== undefined) metrics.firstToken(scheduler.now() - sentAt)
          sentAt = undefined
        }
      }

      /** Reads the agent's events until the last one, or until the answer has ended otherwise. */
      const readAgent = (answer: RunningAnswer, request: AgentRequest): Effect.Effect<void, AgentError> => {
        const events = EventSource.fromStream(agent.stream(request))
        // Inside of the scope, because the agent's span ends with the scope's exit, and `Done` is not a failure.
        return Effect.scopedWith((scope) => Pull.catchDone(events(answer, scope), () => Effect.void)).pipe(
          Effect.interruptible
        )
      }

      /** Stores the events that an answer got since the last time. */
      const storeEvents = ({ answer, answerId, pieces }: Entry): Effect.Effect<void> =>
        Effect.suspend(() => {
          const events = pieces.next(answer.log)
          if (events.length === 0) return Effect.void
          return store.append({ answerId, position: pieces.position, events }).pipe(
            Effect.tap((isRunning) =>
              Effect.sync(() => {
                pieces.markStored()
                if (!isRunning) answer.end("stopped")
              })
            ),
            // The next round tries again, and `complete` stores the whole answer.
            Effect.catch((error) => Effect.logDebug("The events of an answer were not stored", error)),
            Effect.ensuring(Effect.sync(() => pieces.markAttemptEnded()))
          )
        })

      // All answers at once, so that they share a statement and its commit.
      const storeAll = Effect.suspend(() => {
        const due = running.all().filter(({ answer, pieces }) => pieces.beginRound(answer.log))
        // Exits, so that a defect in one does not interrupt the others.
        const exits = Effect.forEach(due, (entry) => Effect.exit(storeEvents(entry)), { concurrency: "unbounded" })
        return Effect.flatMap(exits, Exit.asVoidAll)
      })
      yield* Effect.sleep(storeInterval).pipe(
        Effect.andThen(storeAll),
        Rounds.recover("The events of answers could not be stored; retrying"),
        Effect.forever,
        Effect.forkScoped
      )

      /** Stores the whole answer, ends its log, and returns whether this process ended it. */
      const settle = Effect.fnUntraced(function* ({ answer, answerId, pieces }: Entry, exit: AgentExit) {
        if (!answer.isOver && Exit.isFailure(exit)) metrics.agentFailed(exit.cause, answer.log.length > 0)
        const ending = answer.endingAfter(exit)
        const { parts, usage } = answer
        const complete = store.complete({ answerId, parts, ending, usage })
        // Storing pieces ends first: `complete` deletes the pieces, but would miss one that is stored at the same time.
        const stored = yield* Effect.andThen(pieces.close, complete).pipe(
          Effect.catchTag("StorageUnavailable", () => Effect.retry(Effect.delay(complete, firstRetry), retries)),
          Effect.interruptible,
          Effect.exit
        )
        if (Exit.isSuccess(stored)) {
          answer.endLog(ending, exit)
          return stored.value
        }
        yield* Effect.logWarning("An answer could not be stored", stored.cause)
        answer.log.end(Exit.fail(new AgentBroken({ reason: "the answer could not be stored" })))
        return false
      })

      const begin: RunningAnswers["Service"]["begin"] = Effect.fnUntraced(function* (turn) {
        const { answerId, from, isResumable, key, message, onEnd, request, visitorHashes } = turn
        const watch = watchReaders(isResumable ? options.resume : Option.none(), () => answer)
        const answer: RunningAnswer = new RunningAnswer({
          maxBytes: options.maxBytes,
          onReaders: watch.changed,
          onTexts: measure()
        })
        const agentFiber = yield* Effect.forkIn(readAgent(answer, request), answerScope, { startImmediately: true })
        answer.agentFiber = agentFiber
        const begun = yield* Effect.exit(store.begin({ answerId, key, message, from, visitorHashes }))
        if (Exit.isFailure(begun)) {
          agentFiber.interruptUnsafe()
          onEnd()
          return yield* Effect.failCause(begun.cause)
        }
        const ended = Deferred.makeUnsafe<boolean>()
        const entry: Entry = { answerId, key, answer, pieces: new PieceProgress(), ended: Deferred.await(ended) }
        running.add(entry)
        scheduler.set(answer, scheduler.now() + maxDuration)
        // An observer, because a fiber that waits for the end would take as much memory as the rest of an answer.
        agentFiber.addObserver((exit) => {
          scheduler.cancel(answer)
          const settling = Effect.onExit(settle(entry, exit), (settled) =>
            Effect.sync(() => {
              watch.stop()
              running.remove(entry)
              onEnd()
              Deferred.doneUnsafe(ended, Effect.succeed(Exit.isSuccess(settled) && settled.value))
            })
          )
          Fiber.runIn(fork(Effect.uninterruptible(settling)), answerScope)
        })
        yield* Effect.flatMap(Effect.scope, (scope) => answer.log.hold(scope))
        return answer.log.read
      }, Effect.uninterruptible)

      /** Extends the leases, and ends the answers that other processes have ended. */
      const renew = Effect.suspend(() => {
        if (running.size === 0) return Effect.void
        const entries = running.all()
        return store.renew(entries.map(({ answerId }) => answerId)).pipe(
          Effect.tap((runningIds) =>
            Effect.sync(() => {
              for (const { answer, answerId } of entries) if (!runningIds.has(answerId)) answer.end("stopped")
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
        for (const { answer } of running.all()) answer.end("cut")
      })
      yield* Effect.forkScoped(Effect.andThen(drain.expired, cut))
      yield* Effect.addFinalizer(() => {
        const ended = Effect.suspend(() => Effect.forEach(running.all(), ({ ended }) => ended, { discard: true }))
        return Effect.raceFirst(ended, drain.expired).pipe(
          Effect.andThen(cut),
          Effect.andThen(Effect.timeoutOption(ended, storeGrace)),
          Effect.andThen(Scope.close(answerScope, Exit.void))
        )
      })

      return RunningAnswers.of({
        begin,
        read: (answerId) => Option.map(Option.fromUndefinedOr(running.get(answerId)), ({ answer }) => answer.log.read),
        end: (key, ending) =>
          Effect.suspend(() => {
            const entries = running.ofConversation(key)
            for (const { answer } of entries) answer.end(ending)
            return Effect.map(
              Effect.forEach(entries, ({ ended }) => ended),
              (all) => all.includes(true)
            )
          })
      })
    })
  )
