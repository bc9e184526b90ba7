/**
 * The deliveries of a submission, to webhooks and by mail.
 *
 * @module
 */
import * as Format from "../Format.ts"
import type { Site } from "../frame/Bar.tsx"
import { Problem } from "../parts/Problem.tsx"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"

type Deliveries = Answer<"GET /v1/owner/sites/:site_id/submissions/:submission_id/deliveries">

/** The deliveries to webhooks and the mails as one list, oldest first. */
const linesOf = ({ mails, webhooks }: Deliveries) =>
  [
    ...webhooks.map(({ created_at, host, status }) => ({
      to: host ?? Texts.inbox.operatorsWebhook,
      status,
      created_at,
      error: null
    })),
    ...mails
  ].sort((left, right) => (left.created_at < right.created_at ? -1 : 1))

export const DeliveryList = ({ site, submissionId }: { readonly site: Site; readonly submissionId: string }) => {
  const { failure, value } = useAnswer(
    "GET /v1/owner/sites/:site_id/submissions/:submission_id/deliveries",
    { params: { site_id: site.site_id, submission_id: submissionId } },
    submissionId
  )
  if (value === undefined) return failure === undefined ? null : <Problem failure={failure} gone={Texts.inbox.gone} />
  const lines = linesOf(value)
  if (lines.length === 0) return null
  return (
    <section class="visit">
      <h3>{Texts.inbox.deliveries}</h3>
      <ul class="delivered">
        {lines.map(({ created_at, error, status, to }, index) => (
          <li key={index}>
            <bdi>{to}</bdi>
            <span class={`status status-${status}`}>{Texts.inbox.deliveryStatuses[status]}</span>
            <time class="muted" dateTime={created_at}>
              {Format.arrival(created_at, { now: Date.now(), timeZone: site.time_zone })}
            </time>
            {error !== null && <p class="bad">{error}</p>}
          </li>
        ))}
      </ul>
    </section>
  )
}
