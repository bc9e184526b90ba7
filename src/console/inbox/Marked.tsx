/**
 * Says that submissions were marked as spam, which can be undone.
 *
 * @module
 */
import * as Texts from "../Texts.ts"
import type { Changes } from "./Changes.ts"

interface Props {
  readonly ids: ReadonlyArray<string>
  readonly changes: Changes
}

export const Marked = ({ changes, ids }: Props) => (
  <div class="selection" role="status">
    <b>{Texts.inbox.marked(ids.length)}</b>
    <button type="button" class="button" onClick={() => changes.release(ids)}>
      {Texts.inbox.undo}
    </button>
  </div>
)
