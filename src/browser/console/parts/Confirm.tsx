/**
 * Asks before something is deleted or ended. Enter confirms, and Escape cancels.
 *
 * @module
 */
import * as Texts from "../Texts.ts"
import { Dialog } from "./Dialog.tsx"

interface Props {
  readonly title: string
  readonly body: string
  /** The label of the button. Default: "Delete". */
  readonly action?: string
  readonly onCancel: () => void
  readonly onConfirm: () => void
}

export const Confirm = ({ action = Texts.inbox.actions.delete, body, onCancel, onConfirm, title }: Props) => (
  <Dialog title={title} onClose={onCancel}>
    <p class="muted">{body}</p>
    <div class="dialog-actions">
      <button type="button" class="button" onClick={onCancel}>
        {Texts.inbox.cancel}
      </button>
      <button type="button" class="button danger" autofocus onClick={onConfirm}>
        {action}
      </button>
    </div>
  </Dialog>
)
