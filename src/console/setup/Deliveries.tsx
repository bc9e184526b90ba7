/**
 * The deliveries to a webhook, each with its attempts, and the replay of them.
 *
 * @module
 */
import type { ComponentChildren } from "preact"
import { useState } from "preact/hooks"
import { ago } from "../Format.ts"
import { linkTo } from "../Location.ts"
import { useChange, useWhileShown } from "../parts/Change.ts"
import { messageOf } from "../parts/FailureText.ts"
import { Icon } from "../parts/Icon.tsx"
import { PagedList } from "../parts/PagedList.tsx"
import type { Answer } from "../Requests.ts"
import { mapResource, useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Outgoing.ts"
import { FormDialog } from "./Dialogs.tsx"
import { ChoiceField } from "./Fields.tsx"
import * as IndentedJson from "./IndentedJson.ts"
import { Loading } from "./Section.tsx"

type ListAnswer = Answer<"GET /v1/owner/sites/:site_id/webhooks/:webhook_id/deliveries">
type Delivery = ListAnswer["deliveries"][number]
type Status = Delivery["status"]

/** Days back from now. Deliveries are kept for 30 days. */
const periods = ["1", "3", "7", "30"] as const

const dayMillis = 86_400_000

interface ReplayProps {
  readonly siteId: string
  readonly webhookId: string
  readonly statusChoices: ReadonlyArray<readonly [value: Status | "all", label: string]>
  /** Called with the number of deliveries that are sent again, even if the dialog was closed before. */
  readonly onDone: (count: number) => void
  readonly onClose: () => void
}

/** Sends deliveries again, after it has shown how many. */
const ReplayDialog = ({ onClose, onDone, siteId, statusChoices, webhookId }: ReplayProps) => {
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
      isBusy={replay.isBusy}
      isDisabled={count === undefined || count === 0}
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

interface Props {
  readonly siteId: string
  readonly webhookId: string
  readonly isOwner: boolean
}

const Details = ({ eventId, isOwner, siteId, webhookId }: Props & { readonly eventId: string }) => {
  const params = { site_id: siteId, webhook_id: webhookId, event_id: eventId }
  const { failure, value } = useAnswer(
    "GET /v1/owner/sites/:site_id/webhooks/:webhook_id/deliveries/:event_id",
    { params },
    eventId
  )
  const retry = useChange("POST /v1/owner/sites/:site_id/webhooks/:webhook_id/deliveries/:event_id/retry")
  if (value === undefined) return <Loading failure={failure} />
  const now = Date.now()
  const problem = messageOf(retry.failure, [])
  return (
    <div class="delivery">
      {value.history.length === 0 ? (
        <p class="muted">{Texts.deliveries.notAttempted}</p>
      ) : (
        <ol class="attempts">
          {value.history.map((attempt) => (
            <li key={attempt.attempted_at}>
              <span class="muted">{ago(attempt.attempted_at, now)}:</span>{" "}
              {attempt.error ?? Texts.deliveries.answered(attempt.status, attempt.millis)}
              {attempt.answer !== null && attempt.answer !== "" && <pre tabIndex={0}>{attempt.answer}</pre>}
            </li>
          ))}
        </ol>
      )}
      <p class="muted">{value.payload === null ? Texts.deliveries.deleted : Texts.deliveries.payload}</p>
      {value.payload !== null && <pre tabIndex={0}>{IndentedJson.of(value.payload)}</pre>}
      {value.submission_id !== null && (
        <a href={linkTo({ page: "inbox", item: value.submission_id, view: {} })}>{Texts.deliveries.submission}</a>
      )}
      {problem !== undefined && <p class="bad">{problem}</p>}
      {isOwner && value.payload !== null && (
        <button type="button" class="button" aria-disabled={retry.isBusy} onClick={() => retry.run({ params })}>
          {Texts.deliveries.retry}
        </button>
      )}
    </div>
  )
}

const statuses = Object.keys(Texts.deliveries.statuses) as ReadonlyArray<Status>

/** The choices of a status, or of all. */
const statusChoices: ReadonlyArray<readonly [value: Status | "all", label: string]> = [
  ["all", Texts.deliveries.all],
  ...statuses.map((status) => [status, Texts.deliveries.statuses[status]] as const)
]

interface RowProps {
  readonly delivery: Delivery
  readonly isOpen: boolean
  readonly onToggle: () => void
  readonly children: ComponentChildren
}

const DeliveryRow = ({ children, delivery, isOpen, onToggle }: RowProps) => (
  <li>
    <button type="button" aria-expanded={isOpen} onClick={onToggle}>
      <Icon name="next" />
      <span>{Texts.eventName(delivery.type)}</span>
      <span class={`status status-${delivery.status}`}>{Texts.deliveries.statuses[delivery.status]}</span>
      <span class="muted">{Texts.deliveries.when(ago(delivery.created_at, Date.now()), delivery)}</span>
    </button>
    {isOpen && children}
  </li>
)

/** The maximum number of deliveries that one request loads. */
const partSize = 50

export const Deliveries = (props: Props) => {
  const { isOwner, siteId, webhookId } = props
  const params = { site_id: siteId, webhook_id: webhookId }
  const [status, setStatus] = useState<Status | "all">("all")
  const [openId, setOpenId] = useState<string>()
  const [isReplayOpen, setReplayOpen] = useState(false)
  const [replayed, setReplayed] = useState<number>()
  return (
    <div class="deliveries-filtered">
      <div class="deliveries-bar">
        {isOwner && (
          <button type="button" class="button" onClick={() => setReplayOpen(true)}>
            {Texts.replay.open}
          </button>
        )}
        <ChoiceField label={Texts.deliveries.show} value={status} choices={statusChoices} onChoose={setStatus} />
      </div>
      <p class="good" role="status">
        {replayed === undefined ? "" : Texts.replay.begun(replayed)}
      </p>
      <PagedList<Delivery>
        key={status}
        class="deliveries"
        label={Texts.deliveries.title}
        more={Texts.deliveries.more}
        useItems={(cursor) =>
          mapResource(
            useAnswer(
              "GET /v1/owner/sites/:site_id/webhooks/:webhook_id/deliveries",
              {
                params,
                query: {
                  limit: partSize,
                  ...(status !== "all" && { status }),
                  ...(cursor !== undefined && { cursor })
                }
              },
              webhookId
            ),
            ({ deliveries, next }) => ({ items: deliveries, next })
          )
        }
        row={(delivery) => {
          const isOpen = delivery.event_id === openId
          return (
            <DeliveryRow
              key={delivery.event_id}
              delivery={delivery}
              isOpen={isOpen}
              onToggle={() => setOpenId(isOpen ? undefined : delivery.event_id)}
            >
              <Details {...props} eventId={delivery.event_id} />
            </DeliveryRow>
          )
        }}
        empty={<p class="none">{status === "all" ? Texts.deliveries.empty : Texts.deliveries.none}</p>}
      />
      {isReplayOpen && (
        <ReplayDialog
          siteId={siteId}
          webhookId={webhookId}
          statusChoices={statusChoices}
          onDone={setReplayed}
          onClose={() => setReplayOpen(false)}
        />
      )}
    </div>
  )
}
