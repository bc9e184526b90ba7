/**
 * Creates or changes a webhook.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { useChange, useWhileShown } from "../parts/Change.ts"
import { faultOf, messageOf } from "../parts/FailureText.ts"
import type { Answer } from "../Requests.ts"
import * as Texts from "../texts/Outgoing.ts"
import * as Common from "../texts/SetUp.ts"
import { FormDialog } from "./Dialogs.tsx"
import { Check, ChoiceField, TextField } from "./Fields.tsx"

export type Webhook = Answer<"GET /v1/owner/sites/:site_id/webhooks">["webhooks"][number]

interface Props {
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

export const WebhookForm = ({ onClose, onSecret, siteId, webhook }: Props) => {
  const [url, setUrl] = useState(webhook?.url ?? "")
  const [chosen, setChosen] = useState<ReadonlyArray<string>>(
    webhook === null ? newSubmissions : webhook.events.length === 0 ? types : webhook.events
  )
  const isOperators = webhook !== null && webhook.host === null
  const [format, setFormat] = useState<Webhook["format"]>(webhook?.format ?? "standard")
  const create = useChange("POST /v1/owner/sites/:site_id/webhooks")
  const update = useChange("PATCH /v1/owner/sites/:site_id/webhooks/:webhook_id")
  const close = useWhileShown(onClose)
  const failure = create.failure ?? update.failure
  const submit = () => {
    const events = types.filter((type) => chosen.includes(type))
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
      isDisabled={create.isBusy || update.isBusy || chosen.length === 0}
      message={messageOf(failure, ["url"])}
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
          value={url}
          onInput={setUrl}
          fault={faultOf(failure, "url")}
        />
      )}
      <ChoiceField
        label={Texts.webhooks.format}
        value={format}
        choices={[
          ["standard", Texts.webhooks.formats.standard],
          ["slack", Texts.webhooks.formats.slack]
        ]}
        onChoose={setFormat}
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
