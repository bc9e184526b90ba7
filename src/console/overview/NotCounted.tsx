/**
 * The requests that were recently not counted, by reason, with advice.
 *
 * @module
 */
import * as Format from "../Format.ts"
import { Problem } from "../parts/Message.tsx"
import { useAnswer } from "../Resource.ts"
import { notCounted } from "../texts/NotCounted.ts"

export const NotCounted = ({ siteId }: { readonly siteId: string }) => {
  const { failure, value } = useAnswer(
    "GET /v1/owner/sites/:site_id/decisions",
    { params: { site_id: siteId }, query: {} },
    siteId
  )
  // While it loads, nothing shows: usually there is nothing to say.
  if (value === undefined ? failure === undefined || failure.kind === "offline" : value.reasons.length === 0)
    return null
  return (
    <section class="card not-counted" aria-labelledby="not-counted">
      <header>
        <h2 id="not-counted">{notCounted.title}</h2>
        <p class="muted">{notCounted.note}</p>
      </header>
      {value === undefined && failure !== undefined && <Problem failure={failure} />}
      <ul>
        {value?.reasons.map(({ count, reason }) => {
          const [name, advice] = notCounted.reasons[reason]
          return (
            <li key={reason}>
              <span class="number">{Format.count(count)}</span>
              <span>
                {name} <span class="muted">{advice}</span>
              </span>
            </li>
          )
        })}
      </ul>
    </section>
  )
}
