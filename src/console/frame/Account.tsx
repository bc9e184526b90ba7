/**
 * The person's account: who the person is, and the devices that are logged in.
 *
 * @module
 */
import { reloadData } from "../Connection.ts"
import * as Format from "../Format.ts"
import { Dialog } from "../parts/Dialog.tsx"
import { Problem, SkeletonLines } from "../parts/Message.tsx"
import { type Answer, send } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Roles from "../Roles.ts"
import * as Texts from "../Texts.ts"
import { WhoAreYou } from "./Login.tsx"

type Session = Answer<"GET /v1/owner/session">

const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone

const end = async (id: string) => {
  await send("DELETE /v1/owner/session/devices/:session_id", { params: { session_id: id } })
  reloadData()
}

const Devices = () => {
  const { failure, value } = useAnswer("GET /v1/owner/session/devices", {})
  if (value === undefined) return failure === undefined ? <SkeletonLines /> : <Problem failure={failure} />
  return (
    <ul class="grants">
      {value.devices.map(({ current, device, last_used_at, session_id }) => {
        const name = device ?? Texts.account.unknownDevice
        return (
          <li key={session_id}>
            <span class="granted">
              <b>{name}</b>
              <span class="muted">
                {current
                  ? Texts.account.thisDevice
                  : Texts.people.used(Format.arrival(last_used_at, { now: Date.now(), timeZone }))}
              </span>
            </span>
            {!current && (
              <button
                type="button"
                class="button"
                aria-label={Texts.account.endOf(name)}
                onClick={() => end(session_id)}
              >
                {Texts.account.end}
              </button>
            )}
          </li>
        )
      })}
    </ul>
  )
}

interface Props {
  readonly session: Session
  readonly onClose: () => void
}

export const Account = ({ onClose, session: { label, person, roles } }: Props) => (
  <Dialog title={Texts.account.title} onClose={onClose}>
    {person === null ? (
      <>
        <p class="muted">{Texts.person.why}</p>
        <WhoAreYou
          onNamed={() => {
            reloadData()
            onClose()
          }}
        />
      </>
    ) : (
      <p>
        <b>
          <bdi>{person.name ?? label ?? person.email}</bdi>
        </b>
        <br />
        <span class="muted">
          <bdi>{person.email}</bdi> · {Texts.session.roles[Roles.highest(roles)]}
        </span>
      </p>
    )}
    <h3>{Texts.account.devices}</h3>
    <Devices />
  </Dialog>
)
