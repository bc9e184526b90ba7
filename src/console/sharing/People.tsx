/**
 * People who may see a website, and the link that lets a colleague in.
 *
 * @module
 */
import { useState } from "preact/hooks"
import * as Format from "../Format.ts"
import { useChange } from "../parts/Change.ts"
import { messageOf } from "../parts/FailureText.ts"
import { type ReachProps, useReach } from "../parts/Reach.tsx"
import { Select } from "../parts/Select.tsx"
import type { Answer } from "../Requests.ts"
import { mapResource, useAnswer } from "../Resource.ts"
import { all, type GrantedRole, type Role } from "../Roles.ts"
import { ConfirmChange, FormDialog, SecretDialog } from "../setup/Dialogs.tsx"
import { Check, ChoiceField, TextField, useFields } from "../setup/Fields.tsx"
import { AddButton, Section } from "../setup/Section.tsx"
import * as Texts from "../Texts.ts"
import * as ReachTexts from "../texts/Reach.ts"
import { type Grant, Granted } from "./Granted.tsx"

type Session = Answer<"GET /v1/owner/sessions">["sessions"][number]

const hour = 3_600_000

type Expiry = keyof typeof Texts.people.expiries

/** In milliseconds. The service allows a week at most: the longest is a bit shorter, in case this browser's clock is ahead. */
const expiries: Readonly<Record<Expiry, number>> = {
  "1h": hour,
  "1d": 24 * hour,
  "3d": 3 * 24 * hour,
  "7d": 7 * 24 * hour - hour / 12
}

interface Created {
  /** The person, or the address that the link was mailed to. */
  readonly name: string
  /** Null if it was mailed. */
  readonly url: string | null
  /** When the link expires. */
  readonly until: string
}

const nameOf = ({ current, email, label }: Session): string =>
  current ? Texts.people.you : (label ?? email ?? Texts.people.unnamed)

type Person = Answer<"GET /v1/owner/people">["people"][number]

/** The person's role for a website: the one for it alone, or the one for all websites. */
const grantedHere = ({ roles }: Person, siteId: string): GrantedRole => {
  const granted = roles.find(({ sites }) => sites !== "all" && sites.some((id) => id === siteId))
  return granted === undefined
    ? { role: roles[0]?.role ?? "viewer", sites: "all" }
    : { role: granted.role, sites: [siteId] }
}

const detailsOf = (session: Session, facts: { readonly now: number; readonly timeZone: string }): string => {
  const time = (text: string) => Format.arrival(text, facts)
  return [
    ...(session.email === null || session.email === nameOf(session) ? [] : [session.email]),
    ...session.roles.map(({ role }) => Texts.session.roles[role]),
    session.last_used_at === null
      ? Texts.people.unopened(time(session.ends_at))
      : Texts.people.used(time(session.last_used_at)),
    ...session.roles.flatMap(({ sites }) => (sites === "all" || sites.length > 1 ? [ReachTexts.reached(sites)] : []))
  ].join(" · ")
}

interface InviteProps {
  readonly page: ReachProps
  /** Whether the service can mail the link. */
  readonly canMail: boolean
  readonly onClose: () => void
  readonly onCreated: (created: Created) => void
}

const Invite = ({ canMail, onClose, onCreated, page }: InviteProps) => {
  const reach = useReach(page)
  const creation = useChange("POST /v1/owner/sessions")
  const fields = useFields(
    // A day, so that a colleague need not open the link at once.
    { label: "", email: "", role: "viewer" as Role, expiry: "1d" as Expiry },
    creation.failure
  )
  const { expiry, role } = fields.values
  const label = fields.values.label.trim()
  const address = fields.values.email.trim()
  return (
    <FormDialog
      title={Texts.people.invite}
      submit={address === "" ? Texts.people.create : Texts.people.send}
      isBusy={creation.isBusy}
      message={fields.message}
      onClose={onClose}
      onSubmit={() =>
        creation.run(
          {
            body: {
              role,
              sites: reach.sites,
              ...(label === "" ? {} : { label }),
              ...(address !== "" && { email: address }),
              expires_at: new Date(Date.now() + expiries[expiry]).toISOString()
            }
          },
          ({ expires_at, mailed, path }) =>
            onCreated({
              name: mailed ? address : label,
              url: path === null ? null : location.origin + path,
              until: Format.dayAndTime(expires_at, page.site.time_zone)
            })
        )
      }
    >
      <TextField label={Texts.people.name} {...fields.text("label")} />
      {canMail && <TextField label={Texts.people.email} type="email" {...fields.text("email")} />}
      <ChoiceField
        label={Texts.people.role}
        choices={all.map((choice) => [choice, Texts.people.roles[choice]])}
        {...fields.choice("role")}
      />
      {reach.choices.length > 1 && (
        <ChoiceField label={ReachTexts.label} value={reach.kind} choices={reach.choices} onChoose={reach.choose} />
      )}
      {reach.list}
      <ChoiceField
        label={Texts.people.expiry}
        choices={(Object.keys(expiries) as ReadonlyArray<Expiry>).map((choice) => [
          choice,
          Texts.people.expiries[choice]
        ])}
        {...fields.choice("expiry")}
      />
    </FormDialog>
  )
}

/** Ends a session, or makes an unopened link stop working. */
const EndSession = ({ grant: { id, name }, onClose }: { readonly grant: Grant; readonly onClose: () => void }) => {
  const [endsOpened, setEndsOpened] = useState(false)
  return (
    <ConfirmChange
      operation="DELETE /v1/owner/sessions/:session_id"
      input={{ params: { session_id: id }, query: endsOpened ? { with_opened: "true" } : {} }}
      title={Texts.people.confirm(name)}
      body={Texts.people.confirmBody}
      yes={Texts.people.end}
      isFocused
      onClose={onClose}
    >
      <Check label={Texts.people.withOpened} isChecked={endsOpened} onChange={setEndsOpened} />
    </ConfirmChange>
  )
}

export const People = (page: ReachProps) => {
  const { site } = page
  const [isInviting, setInviting] = useState(false)
  const [created, setCreated] = useState<Created | null>(null)
  const repetition = useChange("POST /v1/owner/sessions/:session_id/mail")
  const change = useChange("PUT /v1/owner/people/:person_id/role")
  const facts = { now: Date.now(), timeZone: site.time_zone }
  const listed = useAnswer("GET /v1/owner/sessions", { query: { site_id: site.site_id, limit: 100 } }, site.site_id)
  const canMail = listed.value?.can_mail === true
  const grants = mapResource(listed, ({ sessions }) =>
    sessions.map((session) => ({
      id: session.session_id,
      name: nameOf(session),
      details: detailsOf(session, facts),
      isOwn: session.current,
      actions: session.email !== null && (
        <button
          type="button"
          class="button"
          aria-disabled={repetition.isBusy}
          aria-label={Texts.people.againTo(session.email)}
          onClick={() => repetition.run({ params: { session_id: session.session_id } })}
        >
          {Texts.people.again}
        </button>
      )
    }))
  )
  const listedPeople = useAnswer("GET /v1/owner/people", { query: { site_id: site.site_id, limit: 100 } }, site.site_id)
  const people = mapResource(listedPeople, ({ people: found }) =>
    found.map((person) => {
      const granted = grantedHere(person, site.site_id)
      return {
        id: person.person_id,
        name: person.current ? Texts.people.you : (person.name ?? person.email),
        details: [
          person.email,
          ...(person.confirmed ? [] : [Texts.people.unconfirmed]),
          ...(person.current ? [Texts.session.roles[granted.role]] : []),
          ...(person.last_used_at === null ? [] : [Texts.people.used(Format.arrival(person.last_used_at, facts))]),
          ...(granted.sites === "all" ? [ReachTexts.reached("all")] : [])
        ].join(" · "),
        isOwn: person.current,
        actions: !person.current && (
          <Select
            aria-label={Texts.people.roleOf(person.name ?? person.email)}
            value={granted.role}
            choices={all.map((role) => [role, Texts.session.roles[role]])}
            onChoose={(role) =>
              change.run({ params: { person_id: person.person_id }, body: { role, sites: granted.sites } })
            }
          />
        )
      }
    })
  )

  /** The role for this website is removed, or, if the person has one for all, all roles. */
  const isForAll = (id: string) =>
    listedPeople.value?.people.some(
      (person) => person.person_id === id && grantedHere(person, site.site_id).sites === "all"
    )

  const first = {
    label: Texts.people.invite,
    onClick: () => setInviting(true),
    command: `hydracore person invite --site ${site.site_id} --email colleague@example.com`
  }
  return (
    <Section
      title={Texts.people.title}
      note={listed.value?.can_mail === false ? Texts.people.noteWithoutMail : Texts.people.note}
      actions={<AddButton {...first} />}
    >
      <div role="status">
        {[repetition.failure, change.failure].map(
          (failure) => failure !== undefined && <p class="bad">{messageOf(failure)}</p>
        )}
        {created?.url === null && <p>{Texts.people.sent(created.name, created.until)}</p>}
      </div>
      <Granted
        grants={people}
        words={{ ...Texts.people, none: Texts.people.nobody }}
        first={first}
        removal={({ id, name }, onClose) => (
          <ConfirmChange
            operation="DELETE /v1/owner/people/:person_id"
            input={{ params: { person_id: id }, query: isForAll(id) ? {} : { site_id: site.site_id } }}
            title={Texts.people.confirm(name)}
            body={Texts.people.confirmPerson}
            yes={Texts.people.end}
            isFocused
            onClose={onClose}
          />
        )}
      />
      <h3>{Texts.people.links}</h3>
      <Granted
        grants={grants}
        words={{ ...Texts.people, none: Texts.people.noLinks }}
        removal={(grant, onClose) => <EndSession grant={grant} onClose={onClose} />}
      />
      {listed.value !== undefined && listed.value.next !== null && <p class="muted">{Texts.people.first}</p>}
      {isInviting && (
        <Invite
          page={page}
          canMail={canMail}
          onClose={() => setInviting(false)}
          onCreated={(created) => {
            setInviting(false)
            setCreated(created)
          }}
        />
      )}
      {created !== null && created.url !== null && (
        <SecretDialog
          title={Texts.people.link}
          body={Texts.people.created(created.name, created.until)}
          secret={created.url}
          onClose={() => setCreated(null)}
        />
      )}
    </Section>
  )
}
