/**
 * Loads an answer of the API for a component, and caches the answer: navigating back shows it at once, and it stays visible if
 * a later request fails, unless the service no longer has what it shows.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks"
import * as Connection from "./Connection.ts"
import { type Answer, type Failure, type Input, type Operation, send } from "./Requests.ts"
import { useStore } from "./Store.ts"

export interface Resource<A> {
  /** The newest answer; while the next request of the same `scope` loads, the answer to the previous request. */
  readonly value: A | undefined
  readonly failure: Failure | undefined
  /** Whether `value` belongs to an earlier request. */
  readonly isStale: boolean
  /** Whether `value` was loaded since the component was shown. Otherwise it may be an old one from the cache. */
  readonly isFresh: boolean
}

/** The cached answers, the one received last at the end. */
const answers = new Map<string, unknown>()
const maxAnswers = 200

const cache = (key: string, value: unknown): void => {
  answers.delete(key)
  answers.set(key, value)
  if (answers.size > maxAnswers) answers.delete(answers.keys().next().value!)
}

/** Forgets the cached answers, so that no page shows anything of a person whose data was deleted. */
export const forgetAnswers = (): void => answers.clear()

/** Milliseconds between two requests of an answer that changes in a moment. */
const pause = 3_000

interface State {
  readonly key: string
  readonly scope: string
  readonly value: unknown
  readonly failure: Failure | undefined
  readonly isFresh: boolean
  /** How often the answer was loaded again when this one was asked for. */
  readonly turn: number
}

/**
 * The answer to a request. No request is sent if `input` is null.
 *
 * @param scope such as the id of a website: while an answer loads, the previous answer of the same scope is shown
 * @param isUnfinished whether an answer changes in a moment. Then it is loaded again every few seconds while the page is visible
 */
export const useAnswer = <O extends Operation>(
  operation: O,
  input: Input<O> | null,
  scope = "",
  isUnfinished: (answer: Answer<O>) => boolean = () => false
): Resource<Answer<O>> => {
  const version = useStore(Connection.refresh)
  const key = input === null ? "" : `${operation} ${JSON.stringify(input)}`
  const [turn, setTurn] = useState(0)
  const [state, setState] = useState<State>({
    key: "",
    scope,
    value: undefined,
    failure: undefined,
    isFresh: false,
    turn
  })

  useEffect(() => {
    if (input === null) return
    const abort = new AbortController()
    send(operation, input, abort.signal).then(
      (outcome) => {
        if (outcome.ok) {
          Connection.recordSuccess()
          cache(key, outcome.value)
          setState({ key, scope, value: outcome.value, failure: undefined, isFresh: true, turn })
        } else {
          Connection.recordFailure(outcome.failure)
          const isGone = outcome.failure.kind === "not-found"
          if (isGone) answers.delete(key)
          setState((previous) => ({
            key,
            scope,
            value: isGone
              ? undefined
              : (answers.get(key) ?? (previous.scope === scope && previous.key === key ? previous.value : undefined)),
            failure: outcome.failure,
            isFresh: previous.scope === scope && previous.key === key && previous.isFresh,
            turn
          }))
        }
      },
      () => {}
    )
    return () => abort.abort()
    // The key contains the operation and the input.
  }, [key, scope, version, turn])

  // The next request waits for the answer, which it would abort. After a failure, it comes when the page loads all its data again.
  const isRepeated =
    state.key === key &&
    state.turn === turn &&
    state.value !== undefined &&
    !state.failure &&
    isUnfinished(state.value as Answer<O>)
  useEffect(() => {
    if (!isRepeated) return
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") setTurn((previous) => previous + 1)
    }, pause)
    return () => clearInterval(timer)
  }, [isRepeated])

  if (state.key === key) {
    const { failure, isFresh, value } = state
    return { value: value as Answer<O>, failure, isStale: false, isFresh }
  }
  const cached = answers.get(key)
  if (cached !== undefined) return { value: cached as Answer<O>, failure: undefined, isStale: false, isFresh: false }
  const previous = state.scope === scope ? state.value : undefined
  return {
    value: previous as Answer<O> | undefined,
    failure: undefined,
    isStale: previous !== undefined,
    isFresh: false
  }
}

/** The same resource with its answer mapped. */
export const mapResource = <A, B>({ value, ...rest }: Resource<A>, change: (value: A) => B): Resource<B> => ({
  ...rest,
  value: value === undefined ? undefined : change(value)
})
