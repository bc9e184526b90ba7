/**
 * The recipients of mails about a website.
 *
 * @module
 */
import { useState } from "preact/hooks"
import type { PageProps } from "../parts/Page.ts"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Outgoing.ts"
import * as Common from "../texts/SetUp.ts"
import { ago } from "./Ago.ts"
import { faultOf, messageOf, useChange } from "./Change.ts"
import { ConfirmChange, FormDialog } from "./Dialogs.tsx"
import { Check, ChoiceField, TextField } from "./Fields.tsx"
import { AddButton, Row, Rows, Section } from "./Section.tsx"

type Notification = Answer<"GET /v1/owner/sites/:site_id/notifications">["notifications"][number]

const kinds = ["each", "15m", "daily", "weekly", "monthly"] as const

const kindOf = ({ digest, report }: Notification): (typeof kinds)[number] => report ?? digest ?? "each"

const topicOf = (kind: (typeof kinds)[number], quarantined: boolean) =>
  kind === "weekly" || kind === "monthly"
    ? { report: kind }
    : { quarantined, ...(kind === "each" ? {} : { digest: kind }) }

/** What is shown before the first mail. An address that waits was asked for another notification, or before it was removed. */
const noneOf = ({ confirmed }: Notification) => (confirmed ? Texts.mails.none : Texts.mails.earlier)

interface DialogProps {
  readonly siteId: string
  readonly onClose: () => void
}

const Add = ({ onClose, siteId }: DialogProps) => {
  const [to, setTo] = useState("")
  const [kind, setKind] = useState<(typeof kinds)[number]>("each")
  const [isQuarantined, setQuarantined] = useState(false)
  const change = useChange("POST /v1/owner/sites/:site_id/notifications")
  const isReport = kind === "weekly" || kind === "monthly"
  return (
    <FormDialog
      title={Texts.mails.add}
      submit={Common.add}
      isBusy={change.isBusy}
      message={messageOf(change.failure, ["to"])}
      onClose={onClose}
      onSubmit={() =>
        change.run({ params: { site_id: siteId }, body: { to, ...topicOf(kind, isQuarantined) } }, onClose)
      }
    >
      <TextField
        label={Texts.mails.to}
        type="email"
        placeholder="owner@example.com"
        value={to}
        onInput={setTo}
        fault={faultOf(change.failure, "to")}
      />
      <ChoiceField
        label={Texts.mails.what}
        value={kind}
        choices={kinds.map((each) => [each, Texts.mails.kinds[each]])}
        onChoose={setKind}
      />
      {!isReport && <Check label={Texts.mails.quarantined} isChecked={isQuarantined} onChange={setQuarantined} />}
      <p class="hint">{Texts.mails.asks}</p>
    </FormDialog>
  )
}

const Remove = ({ notification, onClose, siteId }: DialogProps & { readonly notification: Notification }) => (
  <ConfirmChange
    operation="DELETE /v1/owner/sites/:site_id/notifications/:notification_id"
    input={{ params: { site_id: siteId, notification_id: notification.notification_id } }}
    title={Texts.mails.confirm(notification.to)}
    body={Texts.mails.confirmBody}
    yes={Common.remove}
    onClose={onClose}
  />
)

type Tested = Answer<"POST /v1/owner/sites/:site_id/notifications/:notification_id/test">

const Test = ({ id, siteId }: { readonly siteId: string; readonly id: string }) => {
  const [tested, setTested] = useState<Tested>()
  const change = useChange("POST /v1/owner/sites/:site_id/notifications/:notification_id/test")
  const failed =
    messageOf(change.failure, []) ?? (tested?.accepted === false ? Texts.mails.refused(tested.error) : undefined)
  return (
    <>
      <span class={failed === undefined ? "good" : "bad"} role="status">
        {failed ?? (tested?.accepted ? Texts.mails.accepted : "")}
      </span>
      <button
        type="button"
        class="button"
        disabled={change.isBusy}
        onClick={() => change.run({ params: { site_id: siteId, notification_id: id } }, setTested)}
      >
        {Common.test}
      </button>
    </>
  )
}

export const Mails = ({ isOwner, site: { site_id: siteId } }: PageProps) => {
  const [dialog, setDialog] = useState<"add" | Notification>()
  const mails = useAnswer("GET /v1/owner/sites/:site_id/notifications", { params: { site_id: siteId } }, siteId)
  const close = () => setDialog(undefined)
  const canSend = mails.value?.can_send !== false
  const now = Date.now()
  return (
    <Section
      title={Common.sections.mails}
      note={Texts.mails.note}
      actions={isOwner && canSend && <AddButton label={Texts.mails.add} onClick={() => setDialog("add")} />}
    >
      {!canSend && <p class="hint">{Texts.mails.cannotSend}</p>}
      <Rows
        resource={mails}
        items={({ notifications }) => notifications}
        empty={canSend ? Texts.mails.empty : ""}
        row={(notification) => {
          const { latest_mail: latest } = notification
          return (
            <Row
              key={notification.notification_id}
              title={notification.to}
              facts={[
                Texts.mails.kinds[kindOf(notification)],
                ...(notification.quarantined ? [Texts.mails.withSpam] : []),
                ...(notification.confirmed ? [] : [Texts.mails.unconfirmed]),
                latest === null ? noneOf(notification) : Texts.mails.latest[latest.status](ago(latest.created_at, now))
              ].join(" · ")}
              problem={latest?.error ?? undefined}
            >
              {isOwner && (
                <>
                  {canSend && notification.confirmed && <Test siteId={siteId} id={notification.notification_id} />}
                  <button type="button" class="button" onClick={() => setDialog(notification)}>
                    {Common.remove}
                  </button>
                </>
              )}
            </Row>
          )
        }}
      />
      {dialog === "add" && <Add siteId={siteId} onClose={close} />}
      {dialog !== undefined && dialog !== "add" && <Remove siteId={siteId} notification={dialog} onClose={close} />}
    </Section>
  )
}
