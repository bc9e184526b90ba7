/**
 * The name, the time zone and the origins of a website, and its deletion.
 *
 * @module
 */

import { useState } from "preact/hooks"
import * as Address from "../Address.ts"
import { go } from "../Location.ts"
import { useChange } from "../parts/Change.ts"
import { messageOf } from "../parts/FailureText.ts"
import { Alert } from "../parts/Message.tsx"
import type { PageProps } from "../parts/Page.ts"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../texts/SetUp.ts"
import { ConfirmDialog } from "./Dialogs.tsx"
import { Loading, Section } from "./Section.tsx"
import { useSiteFields } from "./SiteFields.tsx"

type Details = Answer<"GET /v1/owner/sites/:site_id">

const Form = ({ details }: { readonly details: Details }) => {
  const change = useChange("PATCH /v1/owner/sites/:site_id")
  const { body, fields, message, showOrigins } = useSiteFields(details, { failure: change.failure })
  const current = JSON.stringify(body)
  /** What was saved last: the person may have changed a field since. */
  const [saved, setSaved] = useState<string>()
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault()
        showOrigins()
        change.run({ params: { site_id: details.site_id }, body }, () => setSaved(current))
      }}
    >
      {fields}
      <Alert text={message} />
      <div class="save">
        <button type="submit" class="button primary" aria-disabled={change.isBusy}>
          {Texts.save}
        </button>
        <span class="muted" role="status">
          {saved === current ? Texts.website.saved : ""}
        </span>
      </div>
    </form>
  )
}

const Facts = ({ details }: { readonly details: Details }) => (
  <dl class="facts">
    <dt>{Texts.website.timeZone}</dt>
    <dd>{details.time_zone}</dd>
    <dt>{Texts.website.origins}</dt>
    <dd>{details.origins.length === 0 ? Texts.website.anyOrigin : details.origins.join(", ")}</dd>
  </dl>
)

const Removal = ({ details }: { readonly details: Details }) => {
  const [isOpen, setOpen] = useState(false)
  const change = useChange("POST /v1/owner/sites/:site_id/delete")
  return (
    <Section
      title={Texts.website.remove}
      note={Texts.website.removeNote}
      actions={
        <button type="button" class="button bad" onClick={() => setOpen(true)}>
          {Texts.website.removeButton}
        </button>
      }
    >
      {isOpen && (
        <ConfirmDialog
          title={Texts.website.confirm(details.name)}
          body={Texts.website.confirmBody}
          yes={Texts.website.removeButton}
          requiredText={details.name}
          isBusy={change.isBusy}
          message={messageOf(change.failure, [])}
          onClose={() => setOpen(false)}
          onConfirm={() =>
            change.run({ params: { site_id: details.site_id }, body: { name: details.name } }, () =>
              go(Address.initial)
            )
          }
        />
      )}
    </Section>
  )
}

export const Website = ({ isOwner, site }: PageProps) => {
  const { failure, isFresh, value } = useAnswer(
    "GET /v1/owner/sites/:site_id",
    { params: { site_id: site.site_id } },
    site.site_id
  )
  return (
    <>
      <Section title={Texts.sections.website} note={Texts.website.note}>
        {/* The form does not begin with cached settings, which may be old. */}
        {value === undefined || (isOwner && !isFresh) ? (
          <Loading failure={failure} />
        ) : isOwner ? (
          <Form key={value.site_id} details={value} />
        ) : (
          <Facts details={value} />
        )}
      </Section>
      {isOwner && value !== undefined && <Removal details={value} />}
    </>
  )
}
