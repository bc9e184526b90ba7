/**
 * A link from an empty page to the section of the settings that helps to fill it.
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
