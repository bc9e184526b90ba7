/**
 * The deliveries to a webhook, each with its attempts.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { ago } from "../parts/Ago.ts"
import { useChange } from "../parts/Change.ts"
import { messageOf } from "../parts/FailureText.ts"
import { Icon } from "../parts/Icon.tsx"
import type { Answer } from "../Requests.ts"
import { type Resource, useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Outgoing.ts"
import { ChoiceField } from "./Fields.tsx"
import * as IndentedJson from "./IndentedJson.ts"
import { Loading } from "./Section.tsx"

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
      {problem !== undefined && <p class="bad">{problem}</p>}
      {isOwner && value.payload !== null && (
        <button type="button" class="button" disabled={retry.isBusy} onClick={() => retry.run({ params })}>
          {Texts.deliveries.retry}
        </button>
      )}
    </div>
  )
}

type ListAnswer = Answer<"GET /v1/owner/sites/:site_id/webhooks/:webhook_id/deliveries">
type Status = ListAnswer["deliveries"][number]["status"]

const statuses = Object.keys(Texts.deliveries.statuses) as ReadonlyArray<Status>

interface ListProps extends Props {
  readonly resource: Resource<ListAnswer>
  /** Shown if the list is empty. */
  readonly empty: string
}

const List = ({ empty, resource: { failure, value }, ...props }: ListProps) => {
  const [openId, setOpenId] = useState<string>()
  if (value === undefined) return <Loading failure={failure} />
  if (value.deliveries.length === 0) return <p class="none">{empty}</p>
  const now = Date.now()
  return (
    <ul class="deliveries">
      {value.deliveries.map((delivery) => {
        const isOpen = delivery.event_id === openId
        return (
          <li key={delivery.event_id}>
            <button
              type="button"
              aria-expanded={isOpen}
              onClick={() => setOpenId(isOpen ? undefined : delivery.event_id)}
            >
              <Icon name="next" />
              <span>{Texts.eventName(delivery.type)}</span>
              <span class={`status status-${delivery.status}`}>{Texts.deliveries.statuses[delivery.status]}</span>
              <span class="muted">{ago(delivery.created_at, now)}</span>
            </button>
            {isOpen && <Details {...props} eventId={delivery.event_id} />}
          </li>
        )
      })}
    </ul>
  )
}

export const Deliveries = (props: Props) => {
  const { siteId, webhookId } = props
  const [status, setStatus] = useState<Status | "all">("all")
  const resource = useAnswer(
    "GET /v1/owner/sites/:site_id/webhooks/:webhook_id/deliveries",
    { params: { site_id: siteId, webhook_id: webhookId }, query: status === "all" ? {} : { status } },
    webhookId
  )
  const isEmpty = status === "all" && resource.value?.deliveries.length === 0
  return (
    <div class="deliveries-filtered">
      {!isEmpty && (
        <ChoiceField
          label={Texts.deliveries.show}
          value={status}
          choices={[
            ["all", Texts.deliveries.all],
            ...statuses.map((choice) => [choice, Texts.deliveries.statuses[choice]] as const)
          ]}
          onChoose={setStatus}
        />
      )}
      <List {...props} resource={resource} empty={status === "all" ? Texts.deliveries.empty : Texts.deliveries.none} />
    </div>
  )
}
