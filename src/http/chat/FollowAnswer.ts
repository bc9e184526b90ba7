/**
 * Reads an answer that another process gives, from the store, as it is stored.
 *
 * @module
 */
import { Duration, Effect, Option, Stream } from "effect"
import type { AgentEvent } from "../../core/chat/Agent.ts"
import * as AnswerParts from "../../core/chat/AnswerParts.ts"
import type { AnswerEnding, MessagePart } from "../../core/chat/Conversation.ts"
import { AgentBroken, type AgentError } from "../../services/chat/AgentStream.ts"
import type { ConversationStore } from "../../services/chat/ConversationStore.ts"

/** How often the store is asked for more: as often as a running answer is stored. */
const interval = Duration.millis(100)

/** The last event of an answer that ended this way; none if its reader must see an error. */
export const lastEvent = (ending: AnswerEnding): Option.Option<AgentEvent> => {
  switch (ending) {
    case "failed":
    case "cut":
      return Option.none()
    case "stopped":
    case "superseded":
      return Option.some({ _tag: "Finish", reason: "other" })
    default:
      return Option.some({ _tag: "Finish", reason: ending })
  }
}

/** What a reader has of an answer, or why it gets no more. */
type State =
  | { readonly _tag: "Reading"; readonly position: number; readonly parts: ReadonlyArray<MessagePart> }
  | { readonly _tag: "Broken"; readonly reason: string }

type Step = readonly [events: ReadonlyArray<AgentEvent>, next: Option.Option<State>]

const broken = (reason: string): Option.Option<State> => Option.some({ _tag: "Broken", reason })

/** The events of an answer from its first on. Fails if the answer broke or was deleted, or the store is unavailable. */
export const follow = (
  store: ConversationStore["Service"],
  answerId: string
): Stream.Stream<AgentEvent, AgentError> => {
  const read = Effect.fnUntraced(function* (position: number, had: ReadonlyArray<MessagePart>) {
    const found = yield* store.follow(answerId, position)
    if (Option.isNone(found)) return [[], broken("the answer was deleted")] satisfies Step
    const { ended, events, next } = found.value
    const parts = AnswerParts.addAll(had, events)
    if (ended === null) {
      if (events.length === 0) yield* Effect.sleep(interval)
      return [events, Option.some<State>({ _tag: "Reading", position: next, parts })] satisfies Step
    }
    const last = lastEvent(ended.ending)
    return [
      [...events, ...AnswerParts.missing(parts, ended.parts), ...Option.toArray(last)],
      Option.isSome(last) ? Option.none<State>() : broken("the answer broke")
    ] satisfies Step
  })
  const initial: State = { _tag: "Reading", position: 0, parts: [] }
  return Stream.paginate(
    initial as State,
    (state): Effect.Effect<Step, AgentError> =>
      state._tag === "Broken"
        ? Effect.fail(new AgentBroken({ reason: state.reason }))
        : read(state.position, state.parts).pipe(
            Effect.mapError(() => new AgentBroken({ reason: "the store is unavailable" }))
          )
  )
}
