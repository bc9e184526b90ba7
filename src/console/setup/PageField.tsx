/**
 * The field for the `page_slug` of a form. It offers those of the latest submissions, and accepts any other.
 *
 * @module
 */
import { useAnswer } from "../Resource.ts"
import { ChoiceField } from "./Fields.tsx"

interface Props {
  readonly siteId: string
  readonly label: string
  readonly hint: string
  readonly value: string
  readonly fault: string | undefined
  readonly onInput: (page: string) => void
}

export const PageField = ({ onInput, siteId, ...field }: Props) => {
  const overview = useAnswer(
    "GET /v1/owner/sites/:site_id/submissions/overview",
    { params: { site_id: siteId } },
    siteId
  )
  const pages = overview.value?.pages ?? []
  return (
    <ChoiceField
      {...field}
      placeholder={pages[0] ?? "contact"}
      choices={pages.map((page) => [page, page])}
      onChoose={onInput}
      onType={onInput}
    />
  )
}
