/**
 * Why something was not loaded, with a button that loads it again if that can help.
 *
 * @module
 */
import { reloadData } from "../Connection.ts"
import type { Failure, FailureKind } from "../Requests.ts"
import * as Texts from "../Texts.ts"
import { Message } from "./Message.tsx"

/** Failures for which the same request gets the same answer. */
const permanent: ReadonlyArray<FailureKind> = ["not-found", "invalid", "conflict", "signed-out"]

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

export const Problem = ({ failure, gone = Texts.failures["not-found"] }: Props) => (
  <div class="none problem">
    <p>{failure.kind === "not-found" ? gone : Texts.failures[failure.kind]}</p>
    <TryAgain failure={failure} />
  </div>
)

/** The same for a whole page. */
export const PageProblem = ({ failure }: Pick<Props, "failure">) => (
  <Message title={Texts.frame.notLoaded}>
    <p>{Texts.failures[failure.kind]}</p>
    <p>
      <TryAgain failure={failure} />
    </p>
  </Message>
)
