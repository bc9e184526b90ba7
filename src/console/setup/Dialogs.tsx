/**
 * Dialogs for changes: a form, a confirmation, and a secret or a tag to copy.
 *
 * @module
 */
import type { ComponentChildren } from "preact"
import { useLayoutEffect, useRef, useState } from "preact/hooks"
import { useChange, useWhileShown } from "../parts/Change.ts"
import { Dialog } from "../parts/Dialog.tsx"
import { messageOf } from "../parts/FailureText.ts"
import { Alert } from "../parts/Message.tsx"
import { Snippet } from "../parts/Snippet.tsx"
import type { Answer, Input, Operation } from "../Requests.ts"
import * as Texts from "../texts/SetUp.ts"
import { TextField } from "./Fields.tsx"

interface FormProps {
  readonly title: string
  readonly submit: string
  /** The text of the button that closes the dialog; "Cancel" if absent. */
  readonly cancel?: string
  /** Whether the form is incomplete. */
  readonly isDisabled?: boolean
  /** Whether the form is being sent. */
  readonly isBusy: boolean
  readonly isWide?: boolean
  /** Whether what is typed is to be saved, so that Escape asks before it throws it away. */
  readonly isSaved?: boolean
  /** The error, unless a field shows it. */
  readonly message: string | undefined
  readonly children: ComponentChildren
  readonly onClose: () => void
  readonly onSubmit: () => void
}

export const FormDialog = ({
  cancel = Texts.cancel,
  children,
  isBusy,
  isDisabled = false,
  isSaved = true,
  isWide = false,
  message,
  onClose,
  onSubmit,
  submit,
  title
}: FormProps) => {
  const form = useRef<HTMLFormElement>(null)
  // The dialog is already open, because its effect runs before this one.
  useLayoutEffect(() => {
    form.current?.querySelector<HTMLElement>("input, textarea")?.focus()
  }, [])
  return (
    <Dialog title={title} onClose={onClose} isWide={isWide} isSaved={isSaved}>
      <form
        ref={form}
        class="form"
        onSubmit={(event) => {
          event.preventDefault()
          onSubmit()
        }}
      >
        <div class="form-fields">{children}</div>
        <Alert text={message} />
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            {cancel}
          </button>
          <button type="submit" class="button primary" disabled={isDisabled} aria-disabled={isBusy}>
            {submit}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

interface ConfirmProps {
  readonly title: string
  readonly body: string
  readonly yes: string
  readonly isBusy: boolean
  readonly message: string | undefined
  /** The text that must be typed to confirm. */
  readonly requiredText?: string
  /** Whether Enter confirms at once. */
  readonly isFocused?: boolean
  /** Fields of the change, such as a choice of what it includes. */
  readonly children?: ComponentChildren
  readonly onClose: () => void
  readonly onConfirm: () => void
}

export const ConfirmDialog = ({
  body,
  children,
  isBusy,
  isFocused = false,
  message,
  onClose,
  onConfirm,
  requiredText,
  title,
  yes
}: ConfirmProps) => {
  const [typed, setTyped] = useState("")
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault()
          onConfirm()
        }}
      >
        <p class="muted">{body}</p>
        {children}
        {requiredText !== undefined && (
          <TextField label={Texts.typeName(requiredText)} value={typed} onInput={setTyped} />
        )}
        <Alert text={message} />
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            {Texts.cancel}
          </button>
          <button
            type="submit"
            class="button danger"
            autofocus={isFocused}
            disabled={requiredText !== undefined && typed.trim() !== requiredText}
            aria-disabled={isBusy}
          >
            {yes}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

interface ConfirmChangeProps<O extends Operation> extends Omit<ConfirmProps, "isBusy" | "message" | "onConfirm"> {
  readonly operation: O
  readonly input: Input<O>
  /** Called after a change that succeeded, even if the dialog was closed before. */
  readonly onDone?: (answer: Answer<O>) => void
}

/** Asks for a confirmation of a change, and then sends the change. The dialog closes if the change succeeds. */
export function ConfirmChange<O extends Operation>({ input, onDone, operation, ...dialog }: ConfirmChangeProps<O>) {
  const change = useChange(operation)
  const close = useWhileShown(dialog.onClose)
  return (
    <ConfirmDialog
      {...dialog}
      isBusy={change.isBusy}
      message={messageOf(change.failure, [])}
      onConfirm={() =>
        change.run(input, (answer) => {
          close()
          onDone?.(answer)
        })
      }
    />
  )
}

interface SecretProps {
  readonly title: string
  readonly body: string
  readonly secret: string
  readonly isWide?: boolean
  readonly children?: ComponentChildren
  readonly onClose: () => void
}

export const SecretDialog = ({ body, children, isWide = false, onClose, secret, title }: SecretProps) => (
  <Dialog title={title} onClose={onClose} isWide={isWide} isKept>
    <p class="muted">{body}</p>
    <Snippet text={secret} />
    {children}
    <div class="dialog-actions">
      <button type="button" class="button primary" onClick={onClose}>
        {Texts.done}
      </button>
    </div>
  </Dialog>
)
