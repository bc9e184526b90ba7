/**
 * A dialog above the page.
 *
 * @module
 */
import type { ComponentChildren } from "preact"
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks"
import * as Texts from "../Texts.ts"
import { Icon } from "./Icon.tsx"
import { Alert } from "./Message.tsx"

interface ConfirmProps {
  readonly title: string
  readonly body: string
  readonly onCancel: () => void
  readonly onConfirm: () => void
}

/** Asks before something is deleted. Enter confirms, and Escape cancels. */
export const Confirm = ({ body, onCancel, onConfirm, title }: ConfirmProps) => (
  <Dialog title={title} onClose={onCancel}>
    <p class="muted">{body}</p>
    <div class="dialog-actions">
      <button type="button" class="button" onClick={onCancel}>
        {Texts.inbox.cancel}
      </button>
      <button type="button" class="button danger" autofocus onClick={onConfirm}>
        {Texts.inbox.actions.delete}
      </button>
    </div>
  </Dialog>
)

interface Props {
  readonly title: string
  readonly children: ComponentChildren
  readonly onClose: () => void
  readonly isWide?: boolean
  /** Whether only its buttons close the dialog, and neither Escape nor a click beside it: it shows what is not shown again. */
  readonly isKept?: boolean
  /** Whether what is typed in it is to be saved: Escape and a click beside it must then be repeated to throw it away. */
  readonly isSaved?: boolean
}

export const Dialog = ({ children, isKept = false, isSaved = false, isWide, onClose, title }: Props) => {
  const [isTyped, setTyped] = useState(false)
  const [isAsking, setAsking] = useState(false)
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useLayoutEffect(() => {
    const opener = document.activeElement
    const element = dialog.current
    const section = element?.closest("section")
    element?.showModal()
    return () => {
      // Nothing outside an open modal dialog can get the focus.
      element?.close()
      if (opener instanceof HTMLElement && opener.isConnected && opener !== document.body) return opener.focus()
      // What opened it is gone, such as another dialog, or the step of a list that is no longer empty. One of these is shown.
      const steps =
        section?.querySelectorAll<HTMLElement>(":scope > header .button, :scope > .first-step .button") ?? []
      for (const step of steps) step.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      class={isWide ? "wide" : undefined}
      aria-labelledby={id}
      closedby={isKept ? "none" : "any"}
      onInput={() => {
        setTyped(isSaved)
        setAsking(false)
      }}
      onCancel={(event) => {
        event.preventDefault()
        if (isTyped && !isAsking) setAsking(true)
        else if (!isKept) onClose()
      }}
      // A browser closes it at the second Escape without asking again.
      onClose={({ currentTarget }) => {
        if (currentTarget.isConnected) onClose()
      }}
    >
      <div class="dialog">
        <header>
          <h2 id={id}>{title}</h2>
          <button type="button" class="button bare" aria-label={Texts.frame.close} onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        {children}
        <Alert text={isAsking ? Texts.frame.unsaved : undefined} />
      </div>
    </dialog>
  )
}
