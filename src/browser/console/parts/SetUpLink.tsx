/**
 * A link from an empty page to its section of the settings.
 *
 * @module
 */
import { linkTo } from "../Location.ts"

export const SetUpLink = ({ label, section }: { readonly label: string; readonly section: string }) => (
  <p>
    <a class="button primary large" href={linkTo({ page: "setup", item: section, view: {} })}>
      {label}
    </a>
  </p>
)
