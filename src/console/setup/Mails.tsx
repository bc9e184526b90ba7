/**
 * The recipients of mails about a website.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { ago, until } from "../Format.ts"
import { useChange, useWhileShown } from "../parts/Change.ts"
import { messageOf } from "../parts/FailureText.ts"
import type { PageProps } from "../parts/Page.ts"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Outgoing.ts"
import * as Common from "../texts/SetUp.ts"
import { ConfirmChange, FormDialog } from "./Dialogs.tsx"
import { Check, ChoiceField, PageField, TextField, useFields } from "./Fields.tsx"
import { AddButton, Row, Rows, Section } from "./Section.tsx"

type Notification = Answer<"GET /v1/owner/sites/:site_id/notifications">["notifications"][number]

const kinds = ["each", "15m", "daily", "weekly", "monthly"] as const

const kindOf = ({ digest, report }: Notification): (typeof kinds)[number] => report ?? digest ?? "each"

const conversationChoices = ["unanswered", "all", "off"] as const

type Conversations = Notification["conversations"]

interface Topic {
  readonly kind: (typeof kinds)[number]
  readonly quarantined: boolean
  readonly page: string
  readonly conversations: Conversations
}

const topicOf = ({ conversations, kind, page, quarantined }: Topic) =>
  kind === "weekly" || kind === "monthly"
    ? { report: kind }
    : {
        quarantined,
        ...(page.trim() === "" ? { conversations } : { page: page.trim() }),
        ...(kind === "each" ? {} : { digest: kind })
      }

/**
 * Describes the latest mail of a notification. One confirmation mail confirms an address for all of its notifications. If another
 * notification had that mail, even one that was removed since, this one has no mail, or a cancelled one.
 */
const latestOf = ({ confirmed, latest_mail: latest }: Notification, now: number): string =>
  latest === null || (!confirmed && latest.status === "cancelled")
    ? confirmed
      ? Texts.mails.none
      : Texts.mails.otherMail
    : Texts.mails.latest[latest.status](ago(latest.created_at, now))

interface DialogProps {
  readonly siteId: string
  readonly onClose: () => void
}

const Add = ({ onClose, siteId }: DialogProps) => {
  const change = useChange("POST /v1/owner/sites/:site_id/notifications")
  const fields = useFields(
    {
      to: "",
      kind: "each" as (typeof kinds)[number],
      quarantined: false,
      page: "",
      conversations: "unanswered" as Conversations,
      problems: false
    },
    change.failure
  )
  const { kind, page, problems, to } = fields.values
  const close = useWhileShown(onClose)
  const isReport = kind === "weekly" || kind === "monthly"
  return (
    <FormDialog
      title={Texts.mails.add}
      submit={Common.add}
      isBusy={change.isBusy}
      message={fields.message}
      onClose={onClose}
      onSubmit={() =>
        change.run({ params: { site_id: siteId }, body: { to, problems, ...topicOf(fields.values) } }, close)
      }
    >
      <TextField label={Texts.mails.to} type="email" placeholder="owner@example.com" {...fields.text("to")} />
      <ChoiceField
        label={Texts.mails.what}
        choices={kinds.map((choice) => [choice, Texts.mails.kinds[choice]])}
        {...fields.choice("kind")}
      />
      {!isReport && (
        <PageField siteId={siteId} label={Texts.mails.form} hint={Texts.mails.formHint} {...fields.text("page")} />
      )}
      {!isReport && page.trim() === "" && (
        <ChoiceField
          label={Texts.mails.conversations}
          choices={conversationChoices.map((choice) => [choice, Texts.mails.conversationChoices[choice]])}
          {...fields.choice("conversations")}
        />
      )}
      {!isReport && <Check label={Texts.mails.quarantined} {...fields.check("quarantined")} />}
      <Check label={Texts.mails.problems} {...fields.check("problems")} />
      <p class="hint">{Texts.mails.addHint}</p>
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

interface SendProps {
  readonly siteId: string
  readonly notification: Notification
}

/** A button that sends a mail at once, and the outcome. */
const SendButton = ({
  isBusy,
  label,
  name,
  onClick,
  outcome
}: {
  readonly isBusy: boolean
  readonly label: string
  /** Begins with the label, and says for which of the recipients the button is. */
  readonly name: string
  readonly outcome: { readonly isGood: boolean; readonly text: string } | undefined
  readonly onClick: () => void
}) => (
  <>
    <span class={outcome?.isGood === false ? "bad" : "good"} role="status">
      {outcome?.text ?? ""}
    </span>
    <button type="button" class="button" aria-label={name} aria-disabled={isBusy} onClick={onClick}>
      {label}
    </button>
  </>
)

const nameOf = (action: string, notification: Notification): string =>
  Texts.mails.buttonOf(action, notification.to, Texts.mails.kinds[kindOf(notification)])

const paramsOf = ({ notification, siteId }: SendProps) => ({
  params: { site_id: siteId, notification_id: notification.notification_id }
})

const bad = (text: string) => ({ isGood: false, text })
const good = (text: string) => ({ isGood: true, text })

type Tested = Answer<"POST /v1/owner/sites/:site_id/notifications/:notification_id/test">

const Test = (props: SendProps) => {
  const [tested, setTested] = useState<Tested>()
  const change = useChange("POST /v1/owner/sites/:site_id/notifications/:notification_id/test")
  const failure = messageOf(change.failure, [])
  return (
    <SendButton
      label={Common.test}
      name={nameOf(Common.test, props.notification)}
      isBusy={change.isBusy}
      outcome={
        failure !== undefined
          ? bad(failure)
          : tested && (tested.accepted ? good(Texts.mails.accepted) : bad(Texts.mails.refused(tested.error)))
      }
      onClick={() => change.run(paramsOf(props), setTested)}
    />
  )
}

/** Sends the mail with the link again, to an address that is not confirmed. */
const Resend = (props: SendProps) => {
  const [isSent, setSent] = useState(false)
  const change = useChange("POST /v1/owner/sites/:site_id/notifications/:notification_id/confirmation")
  const wait = change.failure?.kind === "too-many" ? change.failure.retryAfter : undefined
  const failure = wait === undefined ? messageOf(change.failure, []) : Texts.mails.tooSoon(until(wait))
  return (
    <SendButton
      label={Texts.mails.resend}
      name={nameOf(Texts.mails.resend, props.notification)}
      isBusy={change.isBusy}
      outcome={failure !== undefined ? bad(failure) : isSent ? good(Texts.mails.resent) : undefined}
      onClick={() => change.run(paramsOf(props), () => setSent(true))}
    />
  )
}

export const Mails = ({ isOwner, site: { site_id: siteId } }: PageProps) => {
  const [dialog, setDialog] = useState<"add" | Notification>()
  const mails = useAnswer("GET /v1/owner/sites/:site_id/notifications", { params: { site_id: siteId } }, siteId)
  const close = () => setDialog(undefined)
  const canSend = mails.value?.can_send !== false
  const now = Date.now()
  const first = {
    label: Texts.mails.add,
    onClick: () => setDialog("add"),
    command: `hydracore notify add --site ${siteId} --to you@example.com`
  }
  return (
    <Section
      title={Common.sections.mails}
      note={Texts.mails.note}
      actions={isOwner && canSend && <AddButton {...first} />}
    >
      {!canSend && <p class="hint">{Texts.mails.cannotSend}</p>}
      <Rows
        resource={mails}
        items={({ notifications }) => notifications}
        empty={canSend ? Texts.mails.empty : ""}
        first={isOwner && canSend && first}
        row={(notification) => {
          return (
            <Row
              key={notification.notification_id}
              title={notification.to}
              facts={[
                Texts.mails.kinds[kindOf(notification)],
                ...(notification.page === null ? [] : [Texts.mails.ofForm(notification.page)]),
                ...(notification.quarantined ? [Texts.mails.withSpam] : []),
                ...(notification.conversations === "off"
                  ? []
                  : [Texts.mails.withConversations[notification.conversations]]),
                ...(notification.problems ? [Texts.mails.withProblems] : []),
                ...(notification.confirmed ? [] : [Texts.mails.unconfirmed]),
                latestOf(notification, now)
              ].join(" · ")}
              problem={notification.latest_mail?.error ?? undefined}
            >
              {isOwner && (
                <>
                  {canSend &&
                    (notification.confirmed ? (
                      <Test siteId={siteId} notification={notification} />
                    ) : (
                      <Resend siteId={siteId} notification={notification} />
                    ))}
                  <button
                    type="button"
                    class="button"
                    aria-label={nameOf(Common.remove, notification)}
                    onClick={() => setDialog(notification)}
                  >
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
