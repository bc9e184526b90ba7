/**
 * The visitors of the last five minutes.
 *
 * @module
 */

import * as Format from "../Format.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"

export const Now = ({ siteId }: { readonly siteId: string }) => {
  const { value } = useAnswer("GET /v1/owner/sites/:site_id/now", { params: { site_id: siteId } }, siteId)
  return (
    <p class={`now ${value !== undefined && value.visitors > 0 ? "live" : ""}`} title={Texts.now.note}>
      {value === undefined ? (
        <span class="skeleton">0 visitors now</span>
      ) : (
        Texts.now.visitors(Format.count(value.visitors), value.visitors === 1)
      )}
    </p>
  )
}
