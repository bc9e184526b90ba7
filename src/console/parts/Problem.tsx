/**
 * Why something was not loaded, with a button that loads it again if that can help.
 *
 * @module
 */
import { reloadData } from "../Connection.ts"
import { useAddress } from "../Location.ts"
import type { Failure, FailureKind } from "../Requests.ts"
import * as Texts from "../Texts.ts"
import { Message } from "./Message.tsx"

/** Failures for which the same request gets the same answer. */
const permanent: ReadonlyArray<FailureKind> = ["not-found", "invalid", "conflict", "signed-out"]

/** What the reader of the page can do about each kind of failure. */
export const useFailures = (): Readonly<Record<FailureKind, string>> => {
  const { share } = useAddress()
  return share === null ? Texts.failures : Texts.guestFailures
}

const TryAgain = ({ failure }: { readonly failure: Failure }) =>
  permanent.includes(failure.kind) ? null : (
    <button type="button" class="button" onClick={reloadData}>
      {Texts.frame.again}
    </button>
  )

interface Props {
  readonly failure: Failure
  /** The text if what was to be loaded does not exist. The default is about a website. */
  readonly gone?: string
}

export const Problem = ({ failure, gone }: Props) => {
  const failures = useFailures()
  return (
    <div class="none problem">
      <p>{failure.kind === "not-found" ? (gone ?? failures["not-found"]) : failures[failure.kind]}</p>
      <TryAgain failure={failure} />
    </div>
  )
}

/** The same for a whole page. */
export const PageProblem = ({ failure }: Pick<Props, "failure">) => (
  <Message title={Texts.frame.notLoaded}>
    <p>{useFailures()[failure.kind]}</p>
    <p>
      <TryAgain failure={failure} />
    </p>
  </Message>
)

/**
 * Shown instead of a page that is loading or could not be loaded. Without a connection it looks as if it loads, because the
 * notice above the page says what is wrong.
 */
export const PagePending = ({ failure }: { readonly failure: Failure | undefined }) =>
  failure === undefined || failure.kind === "offline" ? (
    <div class="loading" aria-busy="true" />
  ) : (
    <PageProblem failure={failure} />
  )
