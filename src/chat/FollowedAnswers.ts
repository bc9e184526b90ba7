/**
 * Follows the answers that run in other processes and have readers in this one. The readers share the queries of the store.
 *
 * @module
 */
import { Duration, Effect, Exit, Option, Request, RequestResolver, Stream } from "effect"
import type { MessageId } from "../platform/Id.ts"
import { AgentBroken, type AgentError } from "./AgentStream.ts"
import type { AgentEvent } from "./agent/Agent.ts"
import type { AnswerProgress, ConversationStore } from "./ConversationStore.ts"
import * as AnswerParts from "./conversations/AnswerParts.ts"

/** How often the store is read: as often as the events of a running answer are stored. */
const interval = Duration.millis(100)

/** Reads the events of an answer from a position on. */
class Follow extends Request.TaggedClass("Follow")<
  { readonly answerId: MessageId; readonly position: number },
  AnswerProgress,
  AgentBroken
> {}

const failure = (reason: string) => Exit.fail(new AgentBroken({ reason }))

/** The progress from a later position on. */
const from = (progress: AnswerProgress, skipped: number): AnswerProgress =>
  skipped === 0 ? progress : { ...progress, events: progress.events.slice(skipped) }

/** One query reads the answers of all readers that wait. */
const makeResolver = (store: ConversationStore["Service"]) =>
  RequestResolver.make<Follow>((entries) => {
    /** Each answer, from the earliest position of its readers on. */
    const positions = new Map<MessageId, number>()
    for (const { request } of entries) {
      const { answerId, position } = request
      positions.set(answerId, Math.min(position, positions.get(answerId) ?? position))
    }
    return store.follow(Array.from(positions, ([answerId, position]) => ({ answerId, position }))).pipe(
      Effect.tapDefect((defect) =>
        Effect.logWarning("The answers of other processes could not be read; their readers get an error", defect)
      ),
      Effect.exit,
      Effect.flatMap((found) =>
        Effect.sync(() => {
          for (const entry of entries) {
            const { answerId, position } = entry.request
            const progress = Exit.isSuccess(found) ? found.value.get(answerId) : undefined
            if (Exit.isFailure(found)) entry.completeUnsafe(failure("the store is unavailable"))
            else if (progress === undefined) entry.completeUnsafe(failure("the answer was deleted"))
            else entry.completeUnsafe(Exit.succeed(from(progress, position - (positions.get(answerId) ?? position))))
          }
        })
      )
    )
  }).pipe(RequestResolver.setDelay(interval))

/** What a reader has got so far. */
interface Followed {
  readonly position: number
  readonly folded: AnswerParts.Folded
}

const nothing: Followed = { position: 0, folded: AnswerParts.none }

/** The last events of an answer, and its failure if its readers must see an error. */
const endOf = (
  { ending, parts }: NonNullable<AnswerProgress["ended"]>,
  folded: AnswerParts.Folded
): Stream.Stream<AgentEvent, AgentError> => {
  const missing = Stream.fromIterable(AnswerParts.missing(folded, parts))
  return Stream.concat(
    missing,
    Option.match(AnswerParts.lastEvent(ending), {
      onNone: () => Stream.fail(new AgentBroken({ reason: `the answer ended as ${ending}` })),
      onSome: (event) => Stream.succeed(event)
    })
  )
}

/**
 * Makes the function that follows an answer: its events from the first on. The stream fails if the answer fails or is deleted, or
 * the store is unavailable.
 */
export const make = (store: ConversationStore["Service"]) => {
  const resolver = makeResolver(store)
  return (answerId: MessageId): Stream.Stream<AgentEvent, AgentError> =>
    // Not recursive: the stream of each read would be kept until the last one ends.
    Stream.paginate(nothing, ({ folded, position }) =>
      Effect.map(Effect.request(new Follow({ answerId, position }), resolver), ({ ended, events, next }) => {
        const now = AnswerParts.addAll(folded, events)
        return ended === null
          ? [[Stream.fromArray(events)], Option.some({ position: next, folded: now })]
          : [[Stream.fromArray(events), endOf(ended, now)], Option.none()]
      })
    ).pipe(Stream.flatten)
}
