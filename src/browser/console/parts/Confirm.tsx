/**
 * Asks before something is deleted or ended. Enter confirms, and Escape cancels.
 *
 * @module
 */
import { useState } from "preact/hooks"
import * as Texts from "../Texts.ts"
import { Dialog } from "./Dialog.tsx"

interface Props {
  readonly title: string
  readonly body: string
  /** The label of the button. Default: "Delete". */
  readonly action?: string
  /** The label of a checkbox for more of the same. */
  readonly more?: string | undefined
  readonly onCancel: () => void
  /** Gets whether the checkbox is checked. */
  readonly onConfirm: (isMore: boolean) => void
}

export const Confirm = ({ action = Texts.inbox.actions.delete, body, more, onCancel, onConfirm, title }: Props) => {
  const [isMore, setMore] = useState(false)
  return (
    <Dialog title={title} onClose={onCancel}>
      <p class="muted">{body}</p>
      {more !== undefined && (
        <label class="check">
          <input type="checkbox" checked={isMore} onChange={({ currentTarget }) => setMore(currentTarget.checked)} />
          {more}
        </label>
      )}
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onCancel}>
          {Texts.inbox.cancel}
        </button>
        <button type="button" class="button danger" autofocus onClick={() => onConfirm(isMore)}>
          {action}
        </button>
      </div>
    </Dialog>
  )
}
