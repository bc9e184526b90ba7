/**
 * Why something was not loaded, with a button that loads it again if that can help.
 *
 * @module
 */
import { loadAgain } from "../Connection.ts"
import type { Failure, FailureKind } from "../Requests.ts"
import * as Texts from "../Texts.ts"
import { Message } from "./Message.tsx"

/** Failures for which the same request gets the same answer. */
const lasting: ReadonlyArray<FailureKind> = ["not-found", "invalid", "signed-out"]

const TryAgain = ({ failure }: { readonly failure: Failure }) =>
  lasting.includes(failure.kind) ? null : (
    <button type="button" class="button" onClick={loadAgain}>
      {Texts.frame.again}
    </button>
  )

interface Props {
  readonly failure: Failure
  /** What is said of something that does not exist; by default, that the website does not. */
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
