/**
 * Who may see a website: people with a session or a link, and anyone with the URL of a shared dashboard.
 *
 * @module
 */

import { useState } from "preact/hooks"
import * as Format from "../Format.ts"
import type { Site } from "../frame/Bar.tsx"
import { useChange } from "../parts/Change.ts"
import * as Expiry from "../parts/Expiry.ts"
import { Message } from "../parts/Message.tsx"
import type { PageProps } from "../parts/Page.ts"
import type { Answer } from "../Requests.ts"
import { mapResource, useAnswer } from "../Resource.ts"
import { ConfirmChange, FormDialog, SecretDialog } from "../setup/Dialogs.tsx"
import { ChoiceField, TextField, useFields } from "../setup/Fields.tsx"
import { AddButton, Section } from "../setup/Section.tsx"
import * as Texts from "../Texts.ts"
import * as Common from "../texts/SetUp.ts"
import { Granted } from "./Granted.tsx"
import { People } from "./People.tsx"

type Share = Answer<"GET /v1/owner/sites/:site_id/shares">["shares"][number]

/** The URL of a dashboard that was just shared, which is shown once. */
interface Created {
  readonly url: string
  readonly hasPassword: boolean
}

interface ShareProps {
  readonly siteId: string
  readonly onClose: () => void
  readonly onCreated: (created: Created) => void
}

const ShareDashboard = ({ onClose, onCreated, siteId }: ShareProps) => {
  const creation = useChange("POST /v1/owner/sites/:site_id/shares")
  const fields = useFields(
    { label: "", numbers: "protected" as Share["numbers"], expires_at: "", password: "" },
    creation.failure
  )
  const { expires_at, numbers, password } = fields.values
  const label = fields.values.label.trim()
  return (
    <FormDialog
      title={Texts.dashboards.share}
      submit={Texts.dashboards.create}
      isBusy={creation.isBusy}
      message={fields.message}
      onClose={onClose}
      onSubmit={() =>
        creation.run(
          {
            params: { site_id: siteId },
            body: {
              numbers,
              ...(label !== "" && { label }),
              ...(password !== "" && { password }),
              ...(expires_at !== "" && { expires_at: Expiry.endOf(expires_at) })
            }
          },
          ({ path }) => onCreated({ url: location.origin + path, hasPassword: password !== "" })
        )
      }
    >
      <TextField label={Common.optional(Texts.dashboards.name)} {...fields.text("label")} />
      <ChoiceField
        label={Texts.dashboards.shows}
        choices={[
          ["protected", Texts.dashboards.numbers.protected],
          ["exact", Texts.dashboards.numbers.exact]
        ]}
        {...fields.choice("numbers")}
      />
      <TextField label={Common.optional(Texts.dashboards.expiry)} type="date" {...fields.text("expires_at")} />
      <TextField
        label={Common.optional(Texts.dashboards.password)}
        hint={Texts.dashboards.passwordHint}
        {...fields.text("password")}
      />
    </FormDialog>
  )
}

const Dashboards = ({ site }: { readonly site: Site }) => {
  const [isSharing, setSharing] = useState(false)
  const [created, setCreated] = useState<Created | null>(null)
  const params = { site_id: site.site_id }
  const time = (text: string) => Format.arrival(text, { now: Date.now(), timeZone: site.time_zone })
  const detailsOf = ({ created_at, expires_at, has_password, numbers }: Share): string =>
    [
      Texts.dashboards.numbers[numbers],
      ...(has_password ? [Texts.dashboards.hasPassword] : []),
      expires_at === null
        ? Texts.dashboards.since(time(created_at))
        : Texts.dashboards.until(time(created_at), Format.day(Date.parse(expires_at)))
    ].join(" · ")
  const grants = mapResource(useAnswer("GET /v1/owner/sites/:site_id/shares", { params }, site.site_id), ({ shares }) =>
    shares.map((share) => ({
      id: share.share_id,
      name: share.label ?? Texts.dashboards.unnamed,
      details: detailsOf(share),
      isOwn: false
    }))
  )

  const first = {
    label: Texts.dashboards.share,
    onClick: () => setSharing(true),
    command: `hydracore share create --site ${site.site_id}`
  }
  return (
    <Section title={Texts.dashboards.title} note={Texts.dashboards.note} actions={<AddButton {...first} />}>
      <Granted
        grants={grants}
        words={Texts.dashboards}
        first={first}
        removal={({ id, name }, onClose) => (
          <ConfirmChange
            operation="DELETE /v1/owner/sites/:site_id/shares/:share_id"
            input={{ params: { ...params, share_id: id } }}
            title={Texts.dashboards.confirm(name)}
            body={Texts.dashboards.confirmBody}
            yes={Texts.dashboards.end}
            isFocused
            onClose={onClose}
          />
        )}
      />
      {isSharing && (
        <ShareDashboard
          siteId={site.site_id}
          onClose={() => setSharing(false)}
          onCreated={(shared) => {
            setSharing(false)
            setCreated(shared)
          }}
        />
      )}
      {created !== null && (
        <SecretDialog
          title={Texts.dashboards.url}
          body={created.hasPassword ? Texts.dashboards.createdWithPassword : Texts.dashboards.created}
          secret={created.url}
          onClose={() => setCreated(null)}
        />
      )}
    </Section>
  )
}

export const Sharing = ({ isOwner, ...page }: PageProps) =>
  isOwner ? (
    <div class="sharing">
      <h1 class="sr-only">{Texts.pages.sharing}</h1>
      <People {...page} />
      <Dashboards site={page.site} />
    </div>
  ) : (
    <Message title={Texts.onlyOwners.title}>
      <p>{Texts.onlyOwners.body}</p>
    </Message>
  )
