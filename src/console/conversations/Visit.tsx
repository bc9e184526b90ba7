/**
 * What is known of the visit in which a conversation began, on one line.
 *
 * @module
 */
import * as Sources from "../../analytics/reports/Sources.ts"
import * as Format from "../Format.ts"
import * as Texts from "../Texts.ts"

interface Known {
  readonly page: string | null
  readonly source: string | null
  readonly country: string | null
}

/** Follows other texts on its line, separated by dots. */
export const Visit = ({ country, page, source }: Known) => (
  <>
    {[
      page,
      source === null ? null : Texts.conversations.from(Sources.nameOf(source)),
      country === null ? null : Format.value("visit:country", country)
    ].map(
      (text, index) =>
        text !== null && (
          <span key={index}>
            {" · "}
            <bdi>{text}</bdi>
          </span>
        )
    )}
  </>
)
