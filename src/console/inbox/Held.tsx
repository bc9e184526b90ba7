/**
 * What the owner marked as spam, in a dialog where each mark can be taken back.
 *
 * @module
 */
import * as Format from "../Format.ts"
import type { Site } from "../frame/Bar.tsx"
import { useChange } from "../parts/Change.ts"
import { Dialog } from "../parts/Dialog.tsx"
import { messageOf } from "../parts/FailureText.ts"
import { Alert, Problem, SkeletonLines } from "../parts/Message.tsx"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"

interface Props {
  readonly site: Site
  /** Whether the person may take marks back. */
  readonly isMember: boolean
  readonly onClose: () => void
}

export const Held = ({ isMember, onClose, site }: Props) => {
  const params = { site_id: site.site_id }
  const { failure, value } = useAnswer("GET /v1/owner/sites/:site_id/spam", { params }, site.site_id)
  const change = useChange("DELETE /v1/owner/sites/:site_id/spam/:mark_id")
  const message = messageOf(change.failure, [])
  return (
    <Dialog title={Texts.inbox.held.title} onClose={onClose} isWide>
      <p class="muted">{Texts.inbox.held.note}</p>
      <Alert text={message} />
      {value === undefined ? (
        failure === undefined ? (
          <SkeletonLines />
        ) : (
          <Problem failure={failure} />
        )
      ) : value.marks.length === 0 ? (
        <p>{Texts.inbox.held.empty}</p>
      ) : (
        <ul class="held">
          {value.marks.map(({ created_at, email, mark_id, text }) => {
            const name = email ?? Texts.inbox.held.anyAddress
            return (
              <li key={mark_id}>
                <div>
                  <bdi>{name}</bdi>
                  <time class="muted" dateTime={created_at}>
                    {Format.arrival(created_at, { now: Date.now(), timeZone: site.time_zone })}
                  </time>
                  {text !== null && (
                    <p class="muted">
                      <bdi>{text}</bdi>
                    </p>
                  )}
                </div>
                {isMember && (
                  <button
                    type="button"
                    class="button"
                    aria-label={`${Texts.inbox.held.take}: ${name}`}
                    aria-disabled={change.isBusy}
                    onClick={() => change.run({ params: { ...params, mark_id } })}
                  >
                    {Texts.inbox.held.take}
                  </button>
                )}
              </li>
            )
          })}
        </ul>
      )}
    </Dialog>
  )
}
