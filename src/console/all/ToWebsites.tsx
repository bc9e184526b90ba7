/**
 * The step from an empty page of all websites: to a website, whose settings have its tags.
 *
 * @module
 */
import * as Address from "../Address.ts"
import * as Texts from "../Texts.ts"

export const ToWebsites = () => (
  <p>
    <a class="button primary large" href={Address.format(Address.initial)}>
      {Texts.sites.all}
    </a>
  </p>
)
