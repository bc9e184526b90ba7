/**
 * The keys of programs and the sessions of people.
 *
 * @module
 */
import { useState } from "preact/hooks"
import * as Format from "../Format.ts"
import type { PageProps } from "../parts/Page.ts"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Access.ts"
import * as Common from "../texts/SetUp.ts"
import { ago } from "./Ago.ts"
import { faultOf, messageOf, useChange } from "./Change.ts"
import { ConfirmDialog, FormDialog, SecretDialog } from "./Dialogs.tsx"
import { ChoiceField, TextField } from "./Fields.tsx"
import { AddButton, Row, Rows, Section } from "./Section.tsx"

type Key = Answer<"GET /v1/owner/keys">["keys"][number]
type Session = Answer<"GET /v1/owner/sessions">["sessions"][number]

interface DialogProps {
  readonly onClose: () => void
}

const IssueKey = ({
  onClose,
  onKey,
  siteId
}: DialogProps & { readonly siteId: string; readonly onKey: (key: string) => void }) => {
  const [label, setLabel] = useState("")
  const [scope, setScope] = useState<Key["scope"]>("stats")
  const [expiry, setExpiry] = useState("")
  const change = useChange("POST /v1/owner/keys")
  return (
    <FormDialog
      title={Texts.keys.add}
      submit={Common.create}
      isBusy={change.isBusy}
      message={messageOf(change.failure, ["label", "expires_at"])}
      onClose={onClose}
      onSubmit={() =>
        change.run(
          {
            body: {
              scope,
              sites: [siteId],
              ...(label.trim() !== "" && { label: label.trim() }),
              ...(expiry !== "" && { expires_at: expiry })
            }
          },
          ({ key }) => onKey(key)
        )
      }
    >
      <TextField
        label={Common.optional(Texts.keys.label)}
        hint={Texts.keys.labelHint}
        value={label}
        onInput={setLabel}
        fault={faultOf(change.failure, "label")}
      />
      <ChoiceField
        label={Texts.keys.scope}
        value={scope}
        choices={[
          ["stats", Texts.keys.scopes.stats],
          ["read", Texts.keys.scopes.read],
          ["write", Texts.keys.scopes.write]
        ]}
        onChoose={setScope}
      />
      <TextField
        label={Common.optional(Texts.keys.expiry)}
        type="date"
        value={expiry}
        onInput={setExpiry}
        fault={faultOf(change.failure, "expires_at")}
      />
    </FormDialog>
  )
}

const RevokeKey = ({ keyId, onClose }: DialogProps & { readonly keyId: string }) => {
  const change = useChange("DELETE /v1/owner/keys/:key_id")
  return (
    <ConfirmDialog
      title={Texts.keys.confirm}
      body={Texts.keys.confirmBody}
      yes={Common.revoke}
      isBusy={change.isBusy}
      message={messageOf(change.failure, [])}
      onClose={onClose}
      onConfirm={() => change.run({ params: { key_id: keyId } }, onClose)}
    />
  )
}

const EndSession = ({ onClose, session }: DialogProps & { readonly session: Session }) => {
  const change = useChange("DELETE /v1/owner/sessions/:session_id")
  return (
    <ConfirmDialog
      title={Texts.sessions.confirm}
      body={session.current ? Texts.sessions.confirmOwn : Texts.sessions.confirmBody}
      yes={Texts.sessions.end}
      isBusy={change.isBusy}
      message={messageOf(change.failure, [])}
      onClose={onClose}
      onConfirm={() => change.run({ params: { session_id: session.session_id } }, onClose)}
    />
  )
}

const reaches = (sites: Key["sites"], siteId: string): boolean => sites === "all" || sites.includes(siteId)

const Keys = ({ site: { site_id: siteId } }: PageProps) => {
  const [open, setOpen] = useState<"issue" | { readonly secret: string } | { readonly revoke: string }>()
  const keys = useAnswer("GET /v1/owner/keys", {})
  const close = () => setOpen(undefined)
  return (
    <Section
      title={Texts.keys.title}
      note={Texts.keys.note}
      actions={<AddButton label={Texts.keys.add} onClick={() => setOpen("issue")} />}
    >
      <Rows
        resource={keys}
        items={({ keys }) => keys.filter(({ revoked_at, sites }) => revoked_at === null && reaches(sites, siteId))}
        empty={Texts.keys.empty}
        row={(key) => (
          <Row
            key={key.key_id}
            title={key.label ?? Texts.keys.unnamed}
            facts={[
              Texts.keys.scopes[key.scope],
              Texts.sites(key.sites),
              key.expires_at === null
                ? Common.created(Format.day(Date.parse(key.created_at)))
                : Common.expires(Format.day(Date.parse(key.expires_at)))
            ].join(" · ")}
          >
            <button type="button" class="button" onClick={() => setOpen({ revoke: key.key_id })}>
              {Common.revoke}
            </button>
          </Row>
        )}
      />
      {open === "issue" && <IssueKey siteId={siteId} onClose={close} onKey={(secret) => setOpen({ secret })} />}
      {typeof open === "object" && "secret" in open && (
        <SecretDialog title={Texts.keys.secret} body={Texts.keys.secretBody} secret={open.secret} onClose={close} />
      )}
      {typeof open === "object" && "revoke" in open && <RevokeKey keyId={open.revoke} onClose={close} />}
    </Section>
  )
}

const Sessions = ({ site: { site_id: siteId } }: PageProps) => {
  const [ending, setEnding] = useState<Session>()
  const sessions = useAnswer("GET /v1/owner/sessions", {})
  const now = Date.now()
  return (
    <Section title={Texts.sessions.title} note={Texts.sessions.note}>
      <Rows
        resource={sessions}
        items={({ sessions }) => sessions.filter(({ sites }) => reaches(sites, siteId))}
        empty={Texts.sessions.empty}
        row={(session) => (
          <Row
            key={session.session_id}
            title={session.label ?? Texts.sessions.unnamed(session.current)}
            facts={[
              Texts.sessions.roles[session.role],
              Texts.sites(session.sites),
              session.last_used_at === null
                ? Texts.sessions.unopened
                : session.current
                  ? Texts.sessions.current
                  : Texts.sessions.used(ago(session.last_used_at, now))
            ].join(" · ")}
          >
            <button type="button" class="button" onClick={() => setEnding(session)}>
              {session.opened_at === null ? Common.revoke : Texts.sessions.end}
            </button>
          </Row>
        )}
      />
      {ending !== undefined && <EndSession session={ending} onClose={() => setEnding(undefined)} />}
    </Section>
  )
}

export const Access = (props: PageProps) => (
  <>
    <Keys {...props} />
    <Sessions {...props} />
  </>
)
