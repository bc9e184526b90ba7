/**
 * Asks before something is deleted.
 *
 * @module
 */
import * as Texts from "../Texts.ts"
import { Dialog } from "./Dialog.tsx"

interface Props {
  readonly title: string
  readonly body: string
  readonly onCancel: () => void
  readonly onConfirm: () => void
}

export const Confirm = ({ body, onCancel, onConfirm, title }: Props) => (
  <Dialog title={title} onClose={onCancel}>
    <p class="muted">{body}</p>
    <div class="dialog-actions">
      <button type="button" class="button" onClick={onCancel}>
        {Texts.inbox.cancel}
      </button>
      <button type="button" class="button danger" onClick={onConfirm}>
        {Texts.inbox.actions.delete}
      </button>
    </div>
  </Dialog>
)
