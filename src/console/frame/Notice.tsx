/**
 * Shows that the service does not answer, and how old the data on the page is.
 *
 * @module
 */
import { connection, isSignedOut } from "../Connection.ts"
import * as Format from "../Format.ts"
import { useFailures } from "../parts/Message.tsx"
import { useStore } from "../Store.ts"
import * as Texts from "../Texts.ts"

export const Notice = () => {
  const state = useStore(connection)
  const { failure, succeededAt } = state
  const failures = useFailures()
  return (
    <div class="notice" role="status">
      {failure !== null && !isSignedOut(state) && (
        <p>
          {failures[failure.kind]} {succeededAt !== null && Texts.stale(Format.clock(succeededAt))}
        </p>
      )}
    </div>
  )
}
