/**
 * The answers that this process gives in conversations with memory. Each answer runs in a fiber of its own, is stored as it
 * comes, and outlives its readers for a while, so that a visitor who returns can resume it, on any process.
 *
 * @module
 */
import { Context, Duration, Effect, Exit, Fiber, Layer, Option, Schedule, Scope, Stream } from "effect"
import type { AgentEvent, AgentRequest } from "../../core/chat/Agent.ts"
import type { AnswerEnding, ConversationKey } from "../../core/chat/Conversation.ts"
import { AgentBroken, type AgentError, AgentStream } from "../../services/chat/AgentStream.ts"
import { ConversationStore, type NewTurn } from "../../services/chat/ConversationStore.ts"
import { Drain } from "./Drain.ts"
import { type Asked, RunningAnswer } from "./RunningAnswer.ts"

export interface Options {
  /** How long an answer goes on without a reader; none ends it with its last reader. */
  readonly resume: Option.Option<Duration.Duration>
  /** The longest that an answer runs. */
  readonly maxDuration: Duration.Input
  /** The most text of an answer, in bytes of UTF-8. */
  readonly maxBytes: number
}

export interface NewAnswer extends NewTurn {
  readonly request: AgentRequest
  /** Whether the answer goes on without a reader, for `Options.resume`. */
  readonly isResumable: boolean
  /** Called once when the answer has ended. */
  readonly onEnd: () => void
}

type BeginError = Effect.Error<ReturnType<ConversationStore["Service"]["begin"]>>

export class RunningAnswers extends Context.Service<
  RunningAnswers,
  {
    /**
     * Asks the agent and stores the turn, at the same time. The stream's first event follows both; its last one follows the
     * storing of the whole answer, so that the next turn finds it. On failure nothing runs, and `onEnd` was called.
     */
    readonly begin: (answer: NewAnswer) => Effect.Effect<Stream.Stream<AgentEvent, AgentError>, BeginError>
    /** The running answer of a conversation, from its first event on, if it runs in this process. */
    readonly read: (
      key: ConversationKey
    ) => Option.Option<{ readonly answerId: string; readonly stream: Stream.Stream<AgentEvent, AgentError> }>
    /** Ends the running answer of a conversation and waits until it is stored. False if none runs in this process. */
    readonly end: (key: ConversationKey, ending: "stopped" | "superseded") => Effect.Effect<boolean>
  }
>()("hydracore/http/RunningAnswers") {}

/** How often the events that came are stored, so that other processes can follow them. */
const storeInterval = Duration.millis(100)

/** How often it is asked which answers other processes have ended. */
const checkInterval = Duration.millis(500)

/** About half a minute: a database that restarts is back by then. */
const storeRetries = { schedule: Schedule.exponential("100 millis"), times: 8 }

const nameOf = ({ conversationId, instanceId }: ConversationKey): string => `${instanceId} ${conversationId}`

interface Entry {
  readonly answerId: string
  readonly answer: RunningAnswer
  /** Completes when the answer is stored. */
  readonly ended: Effect.Effect<void>
}

export const layer = (options: Options): Layer.Layer<RunningAnswers, never, ConversationStore | AgentStream | Drain> =>
  Layer.effect(
    RunningAnswers,
    Effect.gen(function* () {
      const store = yield* ConversationStore
      const agent = yield* AgentStream
      const drain = yield* Drain
      const answers = yield* Scope.make()
      const fork = Effect.runForkWith(yield* Effect.context<never>())
      const running = new Map<string, Entry>()

      const interrupt = (answer: RunningAnswer, ending: AnswerEnding): void => {
        answer.ending ??= ending
        answer.asking?.interruptUnsafe()
      }

      /** Ends an answer that has had no reader for `resume`; at once if that is none. */
      const watchReaders = (resume: Options["resume"], answerOf: () => RunningAnswer) => {
        let timer: Fiber.Fiber<void> | undefined
        return (readers: number): void => {
          timer?.interruptUnsafe()
          timer = undefined
          if (readers > 0) return
          if (Option.isNone(resume)) interrupt(answerOf(), "stopped")
          else {
            const cut = Effect.sync(() => interrupt(answerOf(), "cut"))
            timer = fork(Effect.delay(cut, resume.value))
          }
        }
      }

      /** Asks the agent until it has finished or the answer is too long. */
      const ask = (answer: RunningAnswer, request: AgentRequest): Effect.Effect<void, AgentError> =>
        agent.stream(request).pipe(
          Stream.runForEachArray((events) =>
            Effect.suspend(() => {
              if (answer.take(events, options.maxBytes)) return Effect.void
              answer.ending ??= "failed"
              return Effect.interrupt
            })
          ),
          Effect.timeoutOrElse({
            duration: options.maxDuration,
            orElse: () => Effect.fail(new AgentBroken({ reason: "the answer took longer than CHAT_MAX_DURATION" }))
          }),
          Effect.interruptible
        )

      /** Stores the events as they come. */
      const storeEvents = (answer: RunningAnswer, answerId: string): Effect.Effect<never> => {
        let position = 0
        const next = Effect.suspend(() => {
          const events = answer.log.since(position)
          if (events.length === 0) return Effect.void
          return store.append({ answerId, position, events }).pipe(
            Effect.tap((runs) =>
              Effect.sync(() => {
                position += events.length
                if (!runs) interrupt(answer, "stopped")
              })
            ),
            // The next round tries again, and `complete` stores the whole answer.
            Effect.catch((error) => Effect.logDebug("The events of an answer were not stored", error))
          )
        })
        return Effect.interruptible(Effect.forever(Effect.andThen(Effect.sleep(storeInterval), next)))
      }

      /** Stores the whole answer, and returns how its log ends. */
      const complete = Effect.fnUntraced(function* (answer: RunningAnswer, answerId: string, asked: Asked) {
        const { parts, usage } = answer
        const stored = yield* store
          .complete({ answerId, parts, ending: answer.endingAfter(asked), usage })
          .pipe(Effect.retry(storeRetries), Effect.exit)
        if (Exit.isSuccess(stored)) return answer.logEnd(asked)
        yield* Effect.logWarning("An answer could not be stored", stored.cause)
        return Exit.fail(new AgentBroken({ reason: "the answer could not be stored" }))
      })

      /** Follows an answer from the agent's last event to its storing. */
      const settle = (
        answer: RunningAnswer,
        { answerId, key, onEnd }: NewAnswer,
        asking: Fiber.Fiber<void, AgentError>
      ) =>
        Effect.gen(function* () {
          const storing = yield* Effect.forkChild(storeEvents(answer, answerId))
          const asked = yield* Fiber.await(asking)
          yield* Fiber.interrupt(storing)
          answer.log.end(yield* complete(answer, answerId, asked))
        }).pipe(
          Effect.ensuring(
            Effect.sync(() => {
              const name = nameOf(key)
              if (running.get(name)?.answer === answer) running.delete(name)
              onEnd()
            })
          ),
          Effect.uninterruptible
        )

      const begin: RunningAnswers["Service"]["begin"] = (turn) =>
        Effect.gen(function* () {
          const { answerId, isResumable, key, message, onEnd, request } = turn
          const resume = isResumable ? options.resume : Option.none()
          const answer: RunningAnswer = new RunningAnswer(watchReaders(resume, () => answer))
          const asking = yield* Effect.forkIn(ask(answer, request), answers)
          answer.asking = asking
          const begun = yield* Effect.exit(store.begin({ answerId, key, message }))
          if (Exit.isFailure(begun)) {
            asking.interruptUnsafe()
            onEnd()
            return yield* Effect.failCause(begun.cause)
          }
          const settled = yield* Effect.forkIn(settle(answer, turn, asking), answers)
          running.set(nameOf(key), { answerId, answer, ended: Effect.asVoid(Fiber.await(settled)) })
          return answer.log.read()
        }).pipe(Effect.uninterruptible)

      /** Extends the leases, and ends the answers that other processes have ended. */
      const renew = Effect.suspend(() => {
        if (running.size === 0) return Effect.void
        const entries = [...running.values()]
        return store.renew(entries.map(({ answerId }) => answerId)).pipe(
          Effect.tap((runs) =>
            Effect.sync(() => {
              for (const { answer, answerId } of entries) if (!runs.has(answerId)) interrupt(answer, "stopped")
            })
          ),
          // The leases last several intervals.
          Effect.catch((error) => Effect.logDebug("The leases of answers were not extended", error))
        )
      })
      yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(checkInterval), renew)))

      // Answers finish within the grace period. What still runs then is stored as far as it came.
      yield* Effect.addFinalizer(() => {
        const ended = Effect.suspend(() =>
          Effect.forEach([...running.values()], ({ ended }) => ended, { discard: true })
        )
        const cut = Effect.sync(() => {
          for (const { answer } of running.values()) interrupt(answer, "cut")
        })
        return Effect.raceFirst(ended, drain.expired).pipe(
          Effect.andThen(cut),
          Effect.andThen(ended),
          Effect.andThen(Scope.close(answers, Exit.void))
        )
      })

      return RunningAnswers.of({
        begin,
        read: (key) =>
          Option.map(Option.fromUndefinedOr(running.get(nameOf(key))), ({ answer, answerId }) => ({
            answerId,
            stream: answer.log.read()
          })),
        end: (key, ending) =>
          Effect.suspend(() => {
            const entry = running.get(nameOf(key))
            if (entry === undefined) return Effect.succeed(false)
            interrupt(entry.answer, ending)
            return Effect.as(entry.ended, true)
          })
      })
    })
  )
