/**
 * Shown when the session has ended. Covers the page without discarding it, so that the page continues with a new session.
 *
 * @module
 */
import { useLayoutEffect, useRef, useState } from "preact/hooks"
import { resume } from "../Connection.ts"
import type { FailureKind } from "../Requests.ts"
import * as Texts from "../Texts.ts"
import { LoginSteps } from "./Login.tsx"

export const Ended = () => {
  const dialog = useRef<HTMLDialogElement>(null)
  const [failure, setFailure] = useState<FailureKind>()
  // A modal dialog, because a modal dialog of the page may be open and would cover any other element.
  useLayoutEffect(() => {
    const focused = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (focused instanceof HTMLElement) focused.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      class="ended"
      aria-labelledby="ended"
      closedby="none"
      onCancel={(event) => event.preventDefault()}
    >
      <section class="message">
        <h1 id="ended" tabIndex={-1} autofocus>
          {Texts.ended.title}
        </h1>
        <p>{Texts.ended.why}</p>
        <LoginSteps />
        <p>{Texts.ended.kept}</p>
        <p class="save">
          <button
            type="button"
            class="button primary large"
            onClick={async () => {
              setFailure(undefined)
              setFailure(await resume())
            }}
          >
            {Texts.ended.resume}
          </button>
          <span class="bad" role="status">
            {failure === undefined ? "" : failure === "signed-out" ? Texts.ended.still : Texts.failures[failure]}
          </span>
        </p>
      </section>
    </dialog>
  )
}
