/**
 * People who may see a website, and the link that lets a colleague in.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { loadAgain } from "../Connection.ts"
import * as Format from "../Format.ts"
import type { Site } from "../frame/Bar.tsx"
import { Snippet } from "../parts/Snippet.tsx"
import { type Answer, type Failure, send } from "../Requests.ts"
import { mapResource, useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"
import { Granted } from "./Granted.tsx"

type Session = Answer<"GET /v1/owner/sessions">["sessions"][number]
type Role = Session["role"]

const roles: ReadonlyArray<Role> = ["viewer", "owner"]

/** A day, so that a colleague need not open it at once. */
const expiry = 24 * 3_600_000

const nameOf = ({ current, label }: Session): string => (current ? Texts.people.you : (label ?? Texts.people.unnamed))

const detailsOf = (session: Session, facts: { readonly now: number; readonly timeZone: string }): string => {
  const time = (text: string) => Format.arrival(text, facts)
  return [
    Texts.session.roles[session.role],
    session.last_used_at === null
      ? Texts.people.unopened(time(session.ends_at))
      : Texts.people.used(time(session.last_used_at)),
    ...(session.sites === "all" ? [Texts.people.all] : [])
  ].join(" · ")
}

interface Props {
  readonly site: Site
  /** Whether the session includes all websites, so that a link may too. */
  readonly reachesAll: boolean
}

export const People = ({ reachesAll, site }: Props) => {
  const [name, setName] = useState("")
  const [role, setRole] = useState<Role>("viewer")
  const [sites, setSites] = useState<"this" | "all">("this")
  const [email, setEmail] = useState("")
  const [created, setCreated] = useState<{ readonly name: string; readonly url: string | null } | null>(null)
  const [failure, setFailure] = useState<Failure | undefined>(undefined)
  const facts = { now: Date.now(), timeZone: site.time_zone }
  const reaches = ({ sites }: Session) => sites === "all" || sites.includes(site.site_id)
  const listed = useAnswer("GET /v1/owner/sessions", {})
  const canMail = listed.value?.can_mail === true
  const grants = mapResource(listed, ({ sessions }) =>
    sessions.filter(reaches).map((session) => ({
      id: session.session_id,
      name: nameOf(session),
      details: detailsOf(session, facts),
      isOwn: session.current
    }))
  )

  const create = async (event: Event) => {
    event.preventDefault()
    const label = name.trim()
    const outcome = await send("POST /v1/owner/sessions", {
      body: {
        role,
        sites: sites === "all" ? "all" : [site.site_id],
        ...(label === "" ? {} : { label }),
        ...(canMail && email.trim() !== "" && { email: email.trim() }),
        expires_at: new Date(Date.now() + expiry).toISOString()
      }
    })
    setFailure(outcome.ok ? undefined : outcome.failure)
    if (!outcome.ok) return
    const { mailed, path } = outcome.value
    setCreated({ name: mailed ? email.trim() : label, url: path === null ? null : location.origin + path })
    setName("")
    setEmail("")
    loadAgain()
  }

  const end = async (id: string) => {
    const outcome = await send("DELETE /v1/owner/sessions/:session_id", { params: { session_id: id } })
    loadAgain()
    return outcome.ok ? undefined : outcome.failure
  }

  return (
    <section aria-labelledby="people">
      <h2 id="people">{Texts.people.title}</h2>
      <p class="muted">{Texts.people.note}</p>
      <form class="grant" onSubmit={create}>
        <label>
          {Texts.people.name}
          <input
            type="text"
            maxLength={200}
            autocomplete="off"
            value={name}
            onInput={({ currentTarget }) => setName(currentTarget.value)}
          />
        </label>
        {canMail && (
          <label>
            {Texts.people.email}
            <input
              type="email"
              maxLength={320}
              autocomplete="off"
              value={email}
              onInput={({ currentTarget }) => setEmail(currentTarget.value)}
            />
          </label>
        )}
        <label>
          {Texts.people.role}
          <select value={role} onChange={({ currentTarget }) => setRole(currentTarget.value as Role)}>
            {roles.map((choice) => (
              <option key={choice} value={choice}>
                {Texts.people.roles[choice]}
              </option>
            ))}
          </select>
        </label>
        {reachesAll && (
          <label>
            {Texts.people.sites}
            <select value={sites} onChange={({ currentTarget }) => setSites(currentTarget.value as typeof sites)}>
              <option value="this">{Texts.people.thisSite}</option>
              <option value="all">{Texts.people.all}</option>
            </select>
          </label>
        )}
        <button type="submit" class="button primary">
          {email.trim() === "" ? Texts.people.create : Texts.people.send}
        </button>
      </form>
      <div role="status">
        {failure !== undefined && <p class="bad">{Texts.failureText(failure)}</p>}
        {created !== null && (
          <>
            <p>{created.url === null ? Texts.people.sent(created.name) : Texts.people.created(created.name)}</p>
            {created.url !== null && <Snippet text={created.url} />}
          </>
        )}
      </div>
      <Granted grants={grants} words={{ ...Texts.people, none: Texts.people.nobody }} onEnd={end} />
    </section>
  )
}
