/**
 * Sends the changes that a component makes. The state says whether a change is being sent, and why the last one failed.
 *
 * @module
 */
import { useEffect, useRef, useState } from "preact/hooks"
import * as Connection from "../Connection.ts"
import { type Answer, type Failure, type Input, type Operation, send } from "../Requests.ts"

/** Returns `act`, which does nothing once the component is no longer shown: an answer may arrive later. */
export const useWhileShown = <A extends ReadonlyArray<unknown>>(act: (...input: A) => void) => {
  const isShown = useRef(true)
  useEffect(
    () => () => {
      isShown.current = false
    },
    []
  )
  return (...input: A): void => {
    if (isShown.current) act(...input)
  }
}

export interface Change<O extends Operation> {
  /** A button of the change has it as `aria-disabled`: a button that is disabled loses the focus. */
  readonly isBusy: boolean
  readonly failure: Failure | undefined
  /** Sends a change, unless one is being sent. If it succeeds, the page reloads its data, and `then` receives the answer. */
  readonly run: (input: Input<O>, then?: (answer: Answer<O>) => void) => void
}

const failed = (failure: Failure): void => {
  // The page shows an old state.
  if (failure.kind === "conflict" || failure.kind === "not-found") Connection.reloadData()
  // A limit of changes, such as the mails of a day, does not keep the page from reading its data.
  else if (failure.kind !== "too-many") Connection.recordFailure(failure)
}

export const useChange = <O extends Operation>(operation: O): Change<O> => {
  const [state, setState] = useState<Pick<Change<O>, "isBusy" | "failure">>({ isBusy: false, failure: undefined })
  return {
    ...state,
    run: (input, then) => {
      if (state.isBusy) return
      setState({ isBusy: true, failure: undefined })
      send(operation, input).then((outcome) => {
        setState({ isBusy: false, failure: outcome.ok ? undefined : outcome.failure })
        if (!outcome.ok) return failed(outcome.failure)
        Connection.recordSuccess()
        Connection.reloadData()
        then?.(outcome.value)
      })
    }
  }
}
