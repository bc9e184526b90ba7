/**
 * The webhooks of a website.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { ago } from "../Format.ts"
import { useChange, useWhileShown } from "../parts/Change.ts"
import { messageOf } from "../parts/FailureText.ts"
import { Menu } from "../parts/Menu.tsx"
import type { PageProps } from "../parts/Page.ts"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Outgoing.ts"
import * as Common from "../texts/SetUp.ts"
import { Deliveries } from "./Deliveries.tsx"
import { ConfirmChange, FormDialog, SecretDialog } from "./Dialogs.tsx"
import { Check, ChoiceField, TextField, useFields } from "./Fields.tsx"
import { AddButton, Row, Rows, Section } from "./Section.tsx"

type Webhook = Answer<"GET /v1/owner/sites/:site_id/webhooks">["webhooks"][number]

interface WebhookFormProps {
  readonly siteId: string
  /** The webhook to change; null for a new one. */
  readonly webhook: Webhook | null
  readonly onClose: () => void
  /** Called with the secret of a new webhook. */
  readonly onSecret: (secret: string) => void
}

type Type = keyof typeof Texts.events

const types = Object.keys(Texts.events) as ReadonlyArray<Type>

/** The events of a new webhook: each submission once, as mails send them. */
const newSubmissions: ReadonlyArray<Type> = ["submission.accepted", "submission.released"]

/** Creates or changes a webhook. */
const WebhookForm = ({ onClose, onSecret, siteId, webhook }: WebhookFormProps) => {
  const [chosen, setChosen] = useState<ReadonlyArray<string>>(
    webhook === null ? newSubmissions : webhook.events.length === 0 ? types : webhook.events
  )
  const isOperators = webhook !== null && webhook.host === null
  const create = useChange("POST /v1/owner/sites/:site_id/webhooks")
  const update = useChange("PATCH /v1/owner/sites/:site_id/webhooks/:webhook_id")
  const close = useWhileShown(onClose)
  const fields = useFields(
    { url: webhook?.url ?? "", format: (webhook?.format ?? "standard") as Webhook["format"] },
    create.failure ?? update.failure
  )
  const submit = () => {
    const events = types.filter((type) => chosen.includes(type))
    const { format, url } = fields.values
    const settings = { format, events: events.length === types.length ? [] : events }
    const body = { url, ...settings }
    if (webhook === null) {
      create.run({ params: { site_id: siteId }, body }, ({ secret }) => onSecret(secret))
    } else {
      const params = { site_id: siteId, webhook_id: webhook.webhook_id }
      update.run({ params, body: isOperators ? settings : body }, close)
    }
  }
  return (
    <FormDialog
      title={webhook === null ? Texts.webhooks.add : Texts.webhooks.actions.edit}
      submit={webhook === null ? Common.create : Common.save}
      isBusy={create.isBusy || update.isBusy}
      isDisabled={chosen.length === 0}
      message={fields.message}
      onClose={onClose}
      onSubmit={submit}
    >
      {isOperators ? (
        <p class="muted">{Texts.webhooks.urlByOperator}</p>
      ) : (
        <TextField
          label={Texts.webhooks.url}
          hint={Texts.webhooks.urlHint}
          type="url"
          placeholder="https://hooks.example.com/leads"
          {...fields.text("url")}
        />
      )}
      <ChoiceField
        label={Texts.webhooks.format}
        choices={[
          ["standard", Texts.webhooks.formats.standard],
          ["slack", Texts.webhooks.formats.slack]
        ]}
        {...fields.choice("format")}
      />
      <fieldset class="checks">
        <legend>{Texts.webhooks.events}</legend>
        {types.map((type) => (
          <Check
            key={type}
            label={Texts.events[type]}
            isChecked={chosen.includes(type)}
            onChange={(isChecked) =>
              setChosen(isChecked ? [...chosen, type] : chosen.filter((other) => other !== type))
            }
          />
        ))}
      </fieldset>
    </FormDialog>
  )
}

interface DialogProps {
  readonly siteId: string
  readonly webhook: Webhook
  readonly onClose: () => void
}

const nameOf = ({ host }: Webhook): string => host ?? Texts.webhooks.ofOperator

const RemoveDialog = ({ onClose, siteId, webhook }: DialogProps) => (
  <ConfirmChange
    operation="DELETE /v1/owner/sites/:site_id/webhooks/:webhook_id"
    input={{ params: { site_id: siteId, webhook_id: webhook.webhook_id } }}
    title={Texts.webhooks.confirm(nameOf(webhook))}
    body={Texts.webhooks.confirmBody}
    yes={Common.remove}
    onClose={onClose}
  />
)

const RotateDialog = ({
  onClose,
  onSecret,
  siteId,
  webhook
}: DialogProps & { readonly onSecret: (secret: string) => void }) => (
  <ConfirmChange
    operation="POST /v1/owner/sites/:site_id/webhooks/:webhook_id/rotate"
    input={{ params: { site_id: siteId, webhook_id: webhook.webhook_id } }}
    title={Texts.webhooks.rotate}
    body={Texts.webhooks.rotateBody}
    yes={Texts.webhooks.rotateYes}
    onDone={({ secret }) => onSecret(secret)}
    onClose={onClose}
  />
)

type TestResult = Answer<"POST /v1/owner/sites/:site_id/webhooks/:webhook_id/test">

const outcomeOf = ({ delivered, error, millis, status }: TestResult): string =>
  delivered ? Texts.webhooks.worked(status, millis) : (error ?? Texts.webhooks.answered(status))

type Open =
  | { readonly dialog: "create" }
  | { readonly dialog: "edit" | "remove" | "rotate"; readonly webhook: Webhook }
  | { readonly dialog: "secret"; readonly secret: string }

type Action = "edit" | "rotate" | "enable" | "disable" | "remove"

interface WebhookRowProps {
  readonly siteId: string
  readonly webhook: Webhook
  readonly isOwner: boolean
  readonly onOpen: (open: Open) => void
}

const stateOf = ({ disabled_at, failing_since }: Webhook, now: number): string | undefined =>
  disabled_at !== null
    ? (failing_since === null ? Texts.webhooks.disabled : Texts.webhooks.disabledByFailures)(ago(disabled_at, now))
    : failing_since !== null
      ? Texts.webhooks.failing(ago(failing_since, now))
      : undefined

const WebhookRow = ({ isOwner, onOpen, siteId, webhook }: WebhookRowProps) => {
  const params = { site_id: siteId, webhook_id: webhook.webhook_id }
  const [areDeliveriesShown, setDeliveriesShown] = useState(false)
  const [tested, setTested] = useState<{ readonly url: string | null; readonly result: TestResult }>()
  const test = useChange("POST /v1/owner/sites/:site_id/webhooks/:webhook_id/test")
  const update = useChange("PATCH /v1/owner/sites/:site_id/webhooks/:webhook_id")
  // A result says nothing about an address that was entered since.
  const result = tested?.url === webhook.url ? tested?.result : undefined
  const isDisabled = webhook.disabled_at !== null
  const choose = (action: Action) => {
    if (action === "enable" || action === "disable") {
      update.run({ params, body: { enabled: action === "enable" } })
    } else onOpen({ dialog: action, webhook })
  }
  const problems = [stateOf(webhook, Date.now()), messageOf(test.failure), messageOf(update.failure)].filter(
    (problem) => problem !== undefined
  )
  const actions: ReadonlyArray<Action> = [
    "edit",
    ...(webhook.host === null ? [] : (["rotate"] as const)),
    isDisabled ? "enable" : "disable",
    "remove"
  ]
  return (
    <>
      <Row
        title={webhook.url ?? nameOf(webhook)}
        facts={[
          webhook.events.length === 0 ? Texts.webhooks.allEvents : webhook.events.map(Texts.eventName).join(", "),
          Texts.webhooks.formats[webhook.format]
        ].join(" · ")}
        problem={problems.length === 0 ? undefined : problems.join(" ")}
      >
        <span class={result?.delivered === false ? "bad" : "good"} role="status">
          {result === undefined || test.failure !== undefined ? "" : outcomeOf(result)}
        </span>
        <button
          type="button"
          class="button toggle"
          aria-expanded={areDeliveriesShown}
          onClick={() => setDeliveriesShown(!areDeliveriesShown)}
        >
          {Texts.deliveries.title}
        </button>
        {isOwner && (
          <>
            <button
              type="button"
              class="button"
              aria-disabled={test.isBusy}
              onClick={() => test.run({ params }, (result) => setTested({ url: webhook.url, result }))}
            >
              {Common.test}
            </button>
            <Menu
              label={Common.more(nameOf(webhook))}
              side="end"
              choices={actions.map((value) => ({
                value,
                label: Texts.webhooks.actions[value],
                hasSeparator: value === "remove"
              }))}
              onChoose={choose}
            >
              {Common.moreShort}
            </Menu>
          </>
        )}
      </Row>
      {areDeliveriesShown && (
        <li class="inner">
          <Deliveries siteId={siteId} webhookId={webhook.webhook_id} isOwner={isOwner} />
        </li>
      )}
    </>
  )
}

export const Webhooks = ({ isOwner, site: { site_id: siteId } }: PageProps) => {
  const [open, setOpen] = useState<Open>()
  const webhooks = useAnswer("GET /v1/owner/sites/:site_id/webhooks", { params: { site_id: siteId } }, siteId)
  const close = () => setOpen(undefined)
  const showSecret = (secret: string) => setOpen({ dialog: "secret", secret })
  const first = {
    label: Texts.webhooks.add,
    onClick: () => setOpen({ dialog: "create" }),
    command: `hydracore webhook create --site ${siteId} --url https://example.com/hook`
  }
  return (
    <Section title={Common.sections.webhooks} note={Texts.webhooks.note} actions={isOwner && <AddButton {...first} />}>
      <Rows
        resource={webhooks}
        items={({ webhooks }) => webhooks}
        empty={Texts.webhooks.empty}
        first={isOwner && first}
        row={(webhook) => (
          <WebhookRow key={webhook.webhook_id} siteId={siteId} webhook={webhook} isOwner={isOwner} onOpen={setOpen} />
        )}
      />
      {open?.dialog === "create" && (
        <WebhookForm siteId={siteId} webhook={null} onClose={close} onSecret={showSecret} />
      )}
      {open?.dialog === "edit" && (
        <WebhookForm siteId={siteId} webhook={open.webhook} onClose={close} onSecret={showSecret} />
      )}
      {open?.dialog === "remove" && <RemoveDialog siteId={siteId} webhook={open.webhook} onClose={close} />}
      {open?.dialog === "rotate" && (
        <RotateDialog siteId={siteId} webhook={open.webhook} onClose={close} onSecret={showSecret} />
      )}
      {open?.dialog === "secret" && (
        <SecretDialog
          title={Texts.webhooks.secret}
          body={Texts.webhooks.secretBody}
          secret={open.secret}
          onClose={close}
        />
      )}
    </Section>
  )
}
