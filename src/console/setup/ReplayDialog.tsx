/**
 * Sends a webhook's deliveries again, after it has shown how many.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { useChange } from "../parts/Change.ts"
import { messageOf } from "../parts/FailureText.ts"
import { useWhileShown } from "../parts/WhileShown.ts"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Outgoing.ts"
import { FormDialog } from "./Dialogs.tsx"
import { ChoiceField } from "./Fields.tsx"

type Status = Answer<"GET /v1/owner/sites/:site_id/webhooks/:webhook_id/deliveries">["deliveries"][number]["status"]

/** Days back from now. Deliveries are kept for 30 days. */
const periods = ["1", "3", "7", "30"] as const

const dayMillis = 86_400_000

interface Props {
  readonly siteId: string
  readonly webhookId: string
  readonly statusChoices: ReadonlyArray<readonly [value: Status | "all", label: string]>
  /** Called with the number of deliveries that are sent again, even if the dialog was closed before. */
  readonly onDone: (count: number) => void
  readonly onClose: () => void
}

export const ReplayDialog = ({ onClose, onDone, siteId, statusChoices, webhookId }: Props) => {
  const params = { site_id: siteId, webhook_id: webhookId }
  const [openedAt] = useState(() => Date.now())
  const [days, setDays] = useState<(typeof periods)[number]>("7")
  const [status, setStatus] = useState<Status | "all">("failed")
  const selection = {
    since: new Date(openedAt - Number(days) * dayMillis).toISOString(),
    ...(status !== "all" && { status })
  }
  const { failure, isStale, value } = useAnswer(
    "GET /v1/owner/sites/:site_id/webhooks/:webhook_id/replay",
    { params, query: selection },
    webhookId
  )
  const replay = useChange("POST /v1/owner/sites/:site_id/webhooks/:webhook_id/replay")
  const close = useWhileShown(onClose)
  const count = isStale ? undefined : value?.deliveries
  return (
    <FormDialog
      title={Texts.replay.title}
      submit={Texts.replay.submit(count)}
      isDisabled={count === undefined || count === 0 || replay.isBusy}
      message={messageOf(replay.failure ?? failure, [])}
      onClose={onClose}
      onSubmit={() =>
        replay.run({ params, body: selection }, ({ deliveries }) => {
          close()
          onDone(deliveries)
        })
      }
    >
      <ChoiceField
        label={Texts.replay.since}
        value={days}
        choices={periods.map((period) => [period, Texts.replay.periods[period]] as const)}
        onChoose={setDays}
      />
      <ChoiceField label={Texts.replay.status} value={status} choices={statusChoices} onChoose={setStatus} />
      <p role="status">{count === undefined ? Texts.replay.counting : Texts.replay.count(count)}</p>
      <p class="muted">{Texts.replay.note}</p>
    </FormDialog>
  )
}
