/**
 * The visitors of the last five minutes.
 *
 * @module
 */

import * as Format from "../Format.ts"
import * as Texts from "../Texts.ts"
import { useVisitorsNow } from "./Statistics.ts"

export const Now = ({ siteId }: { readonly siteId: string }) => {
  const { failure, value } = useVisitorsNow(siteId)
  if (value === undefined && failure !== undefined) return <span />
  return (
    <p class={`now ${value !== undefined && value.visitors !== 0 ? "live" : ""}`} title={Texts.now.note}>
      {value === undefined ? (
        <span class="skeleton">0 visitors now</span>
      ) : (
        Texts.now.visitors(Format.metric("visitors", value.visitors), value.visitors === 1)
      )}
    </p>
  )
}
