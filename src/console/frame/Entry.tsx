/**
 * The page of a link, which says which session it opens and which it ends. The link is used only when the person presses the button, so that previews of links do not use it up.
 *
 * @module
 */
import { type ComponentChildren, Fragment } from "preact"
import { useState } from "preact/hooks"
import { Alert, Message, PagePending } from "../parts/Message.tsx"
import { type Answer, type FailureKind, send } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Roles from "../Roles.ts"
import * as Texts from "../Texts.ts"
import { LoginSteps, WhoAreYou } from "./Login.tsx"

type Linked = Answer<"POST /v1/owner/session/link">
type Session = Answer<"GET /v1/owner/session">

const Fact = ({ children, name }: { readonly name: string; readonly children: ComponentChildren }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
)

/** The person, or what the link was created for. */
const nameOf = ({
  email,
  label,
  person
}: Pick<Session, "label" | "person"> & { readonly email?: string | null }): string =>
  person?.name ?? person?.email ?? email ?? label ?? Texts.people.unnamed

/** The session that a link opens, and the one that it ends. */
const Sessions = ({ ends, opens }: { readonly opens: Linked; readonly ends: Session | undefined }) => (
  <dl class="facts">
    <Fact name={Texts.link.name}>
      <bdi>{nameOf(opens)}</bdi>
    </Fact>
    {opens.roles.map(({ role, sites }) => (
      <Fragment key={role}>
        <Fact name={Texts.people.role}>{Texts.people.roles[role]}</Fact>
        <Fact name={Texts.sites.title}>
          {sites === "all"
            ? Texts.link.allSites
            : opens.sites
                .filter(({ site_id }) => sites.includes(site_id))
                .map(({ name, site_id }) => (
                  <bdi key={site_id} class="line">
                    {name}
                  </bdi>
                ))}
        </Fact>
      </Fragment>
    ))}
    {ends !== undefined && (
      <Fact name={Texts.link.ends}>
        <bdi>{nameOf(ends)}</bdi> ({Texts.session.roles[Roles.highest(ends.roles)]})
      </Fact>
    )}
  </dl>
)

/** A request that was refused with one of these would be refused again: the link cannot be opened. */
const permanent: ReadonlyArray<FailureKind | undefined> = ["signed-out", "not-found", "invalid"]

/**
 * The address is a link, with the secret that opens a session.
 *
 * @param page the fragment of the page that opens then; null for the first page
 */
export const Link = ({ page, secret }: { readonly secret: string; readonly page: string | null }) => {
  const [isBusy, setBusy] = useState(false)
  const [isOpen, setOpen] = useState(false)
  const [isMailed, setMailed] = useState(false)
  const [failure, setFailure] = useState<FailureKind | null>(null)
  const linked = useAnswer("POST /v1/owner/session/link", { body: { secret } })
  // Sent second: a page without a session repeats no other requests, so a failed one of the link would remain.
  const current = useAnswer("GET /v1/owner/session", linked.value === undefined ? null : {})
  const open = async () => {
    if (isBusy) return
    setBusy(true)
    const outcome = await send("POST /v1/owner/session", { body: { secret } })
    setBusy(false)
    if (!outcome.ok) return setFailure(outcome.failure.kind)
    if (linked.value?.person === null && linked.value.email === null) setOpen(true)
    else enter()
  }
  // The reload drops everything that an earlier session loaded.
  const enter = () => {
    history.replaceState(null, "", `${location.pathname}${page ?? ""}`)
    location.reload()
  }
  if (isOpen) {
    return (
      <Message title={Texts.person.title}>
        <p>{Texts.person.why}</p>
        <WhoAreYou onNamed={enter} onMailed={() => setMailed(true)} />
        <p>
          <button type="button" class="button" onClick={enter}>
            {isMailed ? Texts.person.next : Texts.person.later}
          </button>
        </p>
      </Message>
    )
  }
  if (permanent.includes(failure ?? linked.failure?.kind)) {
    return (
      <Message title={Texts.link.spent}>
        <p>{Texts.link.spentBody}</p>
        <LoginSteps />
      </Message>
    )
  }
  const isCurrentKnown = current.value !== undefined || current.failure?.kind === "signed-out"
  if (linked.value === undefined || !isCurrentKnown) return <PagePending failure={linked.failure ?? current.failure} />
  return (
    <Message title={Texts.link.title}>
      <p>{Texts.link.body}</p>
      <Sessions opens={linked.value} ends={current.value} />
      <p>
        <button type="button" class="button primary large" aria-disabled={isBusy} onClick={open}>
          {Texts.link.open}
        </button>
      </p>
      <Alert text={failure !== null ? Texts.failures[failure] : undefined} />
    </Message>
  )
}
