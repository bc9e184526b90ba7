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
  /** The label of the checkbox; without it, there is no checkbox. */
  readonly checkbox?: string | undefined
  readonly onCancel: () => void
  /** Gets whether the checkbox is checked. */
  readonly onConfirm: (isChecked: boolean) => void
}

export const Confirm = ({ action = Texts.inbox.actions.delete, body, checkbox, onCancel, onConfirm, title }: Props) => {
  const [isChecked, setChecked] = useState(false)
  return (
    <Dialog title={title} onClose={onCancel}>
      <p class="muted">{body}</p>
      {checkbox !== undefined && (
        <label class="check">
          <input
            type="checkbox"
            checked={isChecked}
            onChange={({ currentTarget }) => setChecked(currentTarget.checked)}
          />
          {checkbox}
        </label>
      )}
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onCancel}>
          {Texts.inbox.cancel}
        </button>
        <button type="button" class="button danger" autofocus onClick={() => onConfirm(isChecked)}>
          {action}
        </button>
      </div>
    </Dialog>
  )
}
