/**
 * The field for the `page_slug` of a form. It offers those of the latest submissions, and accepts any other.
 *
 * @module
 */
import { useAnswer } from "../Resource.ts"
import { TextField } from "./Fields.tsx"

interface Props {
  readonly siteId: string
  readonly label: string
  readonly hint: string
  readonly value: string
  readonly fault: string | undefined
  readonly onInput: (page: string) => void
}

export const PageField = ({ siteId, ...field }: Props) => {
  const overview = useAnswer(
    "GET /v1/owner/sites/:site_id/submissions/overview",
    { params: { site_id: siteId } },
    siteId
  )
  const pages = overview.value?.pages ?? []
  return <TextField {...field} placeholder={pages[0] ?? "contact"} suggestions={pages.map((page) => [page, ""])} />
}
