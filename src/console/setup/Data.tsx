/**
 * The data of a website: its retention, its export, and the data of a person.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { download, save } from "../parts/Download.ts"
import { faultOf, messageOf } from "../parts/FailureText.ts"
import type { PageProps } from "../parts/Page.ts"
import { addressOf, type Failure, sendForText } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Data.ts"
import { ConfirmChange } from "./Dialogs.tsx"
import { TextField } from "./Fields.tsx"
import { Loading, Section } from "./Section.tsx"

interface Props {
  readonly siteId: string
}

const Retention = ({ siteId }: Props) => {
  const { failure, value } = useAnswer(
    "GET /v1/owner/sites/:site_id/retention",
    { params: { site_id: siteId } },
    siteId
  )
  return (
    <Section title={Texts.retention.title} note={Texts.retention.note}>
      {value === undefined ? (
        <Loading failure={failure} />
      ) : (
        <dl class="facts">
          {(["page_views", "submissions", "conversations"] as const).map((kind) => (
            <div key={kind}>
              <dt>{Texts.retention[kind]}</dt>
              <dd>{value[kind] ?? Texts.retention.forever}</dd>
            </div>
          ))}
        </dl>
      )}
    </Section>
  )
}

const Analytics = ({ siteId }: Props) => {
  const [from, setFrom] = useState("")
  const [to, setTo] = useState("")
  const isReversed = from !== "" && to !== "" && from > to
  return (
    <Section title={Texts.analytics.title} note={Texts.analytics.note}>
      <div class="form">
        <div class="pair">
          <TextField label={Texts.analytics.from} type="date" value={from} onInput={setFrom} />
          <TextField
            label={Texts.analytics.to}
            type="date"
            value={to}
            onInput={setTo}
            fault={isReversed ? Texts.analytics.order : undefined}
          />
        </div>
        <div class="save">
          {(["csv", "ndjson"] as const).map((format) => (
            <button
              key={format}
              type="button"
              class="button"
              disabled={isReversed}
              onClick={() =>
                download(
                  addressOf("/v1/owner/sites/:site_id/analytics/export", {
                    params: { site_id: siteId },
                    query: { format, from: from || undefined, to: to || undefined }
                  })
                )
              }
            >
              {Texts.analytics[format]}
            </button>
          ))}
        </div>
      </div>
    </Section>
  )
}

/** What a request about an address has given. */
interface Result {
  readonly address: string
  readonly failure?: Failure
  readonly text?: string
}

const Person = ({ isOwner, siteId }: Props & { readonly isOwner: boolean }) => {
  const [address, setAddress] = useState("")
  const [isBusy, setBusy] = useState(false)
  const [isErasing, setErasing] = useState(false)
  const [result, setResult] = useState<Result>()
  // Another address may have been typed since the request.
  const { failure, text = "" } = result?.address === address ? result : { failure: undefined }
  const input = { params: { site_id: siteId }, body: { email: address } }

  const exportAll = async () => {
    setBusy(true)
    setResult(undefined)
    const outcome = await sendForText("POST /v1/owner/sites/:site_id/person/export", input)
    setBusy(false)
    if (!outcome.ok) return setResult({ address, failure: outcome.failure })
    const recordCount = outcome.value.split("\n").length - 1
    if (recordCount > 0) save(outcome.value, "person.ndjson")
    setResult({ address, text: recordCount === 0 ? Texts.person.none : Texts.person.saved(recordCount) })
  }

  return (
    <Section title={Texts.person.title} note={Texts.person.note}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault()
          exportAll()
        }}
      >
        <TextField
          label={Texts.person.address}
          type="email"
          placeholder="ann@example.com"
          value={address}
          onInput={setAddress}
          fault={faultOf(failure, "email") ?? messageOf(failure, ["email"])}
        />
        <div class="save">
          <button type="submit" class="button" disabled={isBusy || address.trim() === ""}>
            {Texts.person.export}
          </button>
          {isOwner && (
            <button
              type="button"
              class="button bad"
              disabled={isBusy || address.trim() === ""}
              onClick={() => setErasing(true)}
            >
              {Texts.person.erase}
            </button>
          )}
          <span class="muted" role="status">
            {text}
          </span>
        </div>
      </form>
      {isErasing && (
        <ConfirmChange
          operation="POST /v1/owner/sites/:site_id/person/erase"
          input={input}
          title={Texts.person.confirm(address.trim())}
          body={Texts.person.confirmBody}
          yes={Texts.person.erase}
          onClose={() => setErasing(false)}
          onDone={({ conversations, deliveries, notifications, spam_marks, submissions }) => {
            const isNothing = submissions + conversations + notifications + spam_marks + deliveries === 0
            setResult({
              address,
              text: isNothing ? Texts.person.none : Texts.person.erased(submissions, conversations)
            })
          }}
        />
      )}
    </Section>
  )
}

export const Data = ({ isOwner, site: { site_id: siteId } }: PageProps) => (
  <>
    <Retention siteId={siteId} />
    <Analytics siteId={siteId} />
    <Person siteId={siteId} isOwner={isOwner} />
  </>
)
