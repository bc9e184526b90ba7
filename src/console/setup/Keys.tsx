/**
 * The section of the keys with which programs use the owner API.
 *
 * @module
 */
import { useState } from "preact/hooks"
import * as Format from "../Format.ts"
import { linkTo } from "../Location.ts"
import { useChange } from "../parts/Change.ts"
import * as Expiry from "../parts/Expiry.ts"
import type { PageProps } from "../parts/Page.ts"
import { useReach } from "../parts/Reach.tsx"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as ReachTexts from "../texts/Reach.ts"
import * as Texts from "../texts/SetUp.ts"
import { ConfirmChange, FormDialog, SecretDialog } from "./Dialogs.tsx"
import { Check, ChoiceField, TextField, useFields } from "./Fields.tsx"
import { AddButton, Row, Rows, Section } from "./Section.tsx"

type Key = Answer<"GET /v1/owner/keys">["keys"][number]

interface DialogProps {
  readonly onClose: () => void
}

const IssueKey = ({
  onClose,
  onKey,
  page
}: DialogProps & { readonly page: PageProps; readonly onKey: (key: string) => void }) => {
  const reach = useReach(page)
  const change = useChange("POST /v1/owner/keys")
  const fields = useFields({ label: "", scope: "stats" as Key["scope"], expires_at: "" }, change.failure)
  const { expires_at, label, scope } = fields.values
  return (
    <FormDialog
      title={Texts.keys.add}
      submit={Texts.create}
      isBusy={change.isBusy}
      message={fields.message}
      onClose={onClose}
      onSubmit={() =>
        change.run(
          {
            body: {
              scope,
              sites: reach.sites,
              ...(label.trim() !== "" && { label: label.trim() }),
              ...(expires_at !== "" && { expires_at: Expiry.endOf(expires_at) })
            }
          },
          ({ key }) => onKey(key)
        )
      }
    >
      <TextField label={Texts.optional(Texts.keys.label)} hint={Texts.keys.labelHint} {...fields.text("label")} />
      <ChoiceField
        label={Texts.keys.scope}
        choices={[
          ["stats", Texts.keys.scopes.stats],
          ["read", Texts.keys.scopes.read],
          ["write", Texts.keys.scopes.write]
        ]}
        {...fields.choice("scope")}
      />
      {reach.choices.length > 1 && (
        <ChoiceField label={ReachTexts.label} value={reach.kind} choices={reach.choices} onChoose={reach.choose} />
      )}
      {reach.list}
      <TextField label={Texts.optional(Texts.keys.expiry)} type="date" {...fields.text("expires_at")} />
    </FormDialog>
  )
}

const RevokeKey = ({ keyId, onClose }: DialogProps & { readonly keyId: string }) => {
  const [endsOpenedSessions, setEndsOpenedSessions] = useState(false)
  return (
    <ConfirmChange
      operation="DELETE /v1/owner/keys/:key_id"
      input={{ params: { key_id: keyId }, query: endsOpenedSessions ? { with_opened: "true" } : {} }}
      title={Texts.keys.confirm}
      body={Texts.keys.confirmBody}
      yes={Texts.revoke}
      onClose={onClose}
    >
      <Check label={Texts.keys.withOpened} isChecked={endsOpenedSessions} onChange={setEndsOpenedSessions} />
    </ConfirmChange>
  )
}

export const Keys = (page: PageProps) => {
  const { site_id: siteId } = page.site
  const [dialog, setDialog] = useState<"issue" | { readonly secret: string } | { readonly revoke: string }>()
  const keys = useAnswer("GET /v1/owner/keys", { query: { site_id: siteId, revoked: "false", limit: 100 } }, siteId)
  const close = () => setDialog(undefined)
  const first = {
    label: Texts.keys.add,
    onClick: () => setDialog("issue"),
    command: `hydracore key issue --site ${page.site.site_id} --scope stats`
  }
  return (
    <Section
      title={Texts.keys.title}
      note={
        <>
          {Texts.keys.note} <a href={linkTo({ page: "sharing", item: null, view: {} })}>{Texts.keys.sharingLink}</a>
        </>
      }
      actions={<AddButton {...first} />}
    >
      <Rows
        resource={keys}
        items={({ keys }) => keys}
        empty={Texts.keys.empty}
        first={first}
        row={(key) => (
          <Row
            key={key.key_id}
            title={key.label ?? Texts.keys.unnamed}
            facts={[
              Texts.keys.scopes[key.scope],
              ReachTexts.reached(key.sites),
              key.expires_at === null
                ? Texts.created(Format.day(Date.parse(key.created_at)))
                : Texts.expires(Format.day(Date.parse(key.expires_at)))
            ].join(" · ")}
          >
            <button type="button" class="button" onClick={() => setDialog({ revoke: key.key_id })}>
              {Texts.revoke}
            </button>
          </Row>
        )}
      />
      {keys.value !== undefined && keys.value.next !== null && <p class="muted">{Texts.keys.first}</p>}
      {dialog === "issue" && <IssueKey page={page} onClose={close} onKey={(secret) => setDialog({ secret })} />}
      {typeof dialog === "object" && "secret" in dialog && (
        <SecretDialog title={Texts.keys.secret} body={Texts.keys.secretBody} secret={dialog.secret} onClose={close} />
      )}
      {typeof dialog === "object" && "revoke" in dialog && <RevokeKey keyId={dialog.revoke} onClose={close} />}
    </Section>
  )
}
