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
import { forgetAnswers, useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Data.ts"
import { ConfirmChange } from "./Dialogs.tsx"
import { TextField } from "./Fields.tsx"
import * as PersonRecords from "./PersonRecords.ts"
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
  /** The address whose deletion is to be confirmed, and what would be deleted. */
  const [erasing, setErasing] = useState<{ readonly address: string; readonly counts: PersonRecords.Counts }>()
  const [result, setResult] = useState<Result>()
  // Another address may have been typed since the request.
  const { failure, text = "" } = result?.address === address ? result : { failure: undefined }
  const inputOf = (email: string) => ({ params: { site_id: siteId }, body: { email } })

  /** Loads the person's records for `use`; without any, says so. */
  const load = async (use: (records: string) => void) => {
    if (isBusy) return
    setBusy(true)
    setResult(undefined)
    const outcome = await sendForText("POST /v1/owner/sites/:site_id/person/export", inputOf(address))
    setBusy(false)
    if (!outcome.ok) setResult({ address, failure: outcome.failure })
    else if (outcome.value === "") setResult({ address, text: Texts.person.none })
    else use(outcome.value)
  }

  const exportAll = () =>
    load((records) => {
      save(records, "person.ndjson")
      setResult({ address, text: Texts.person.saved(records.split("\n").length - 1) })
    })

  return (
    <Section title={Texts.person.title} note={Texts.person.note}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault()
          void exportAll()
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
          <button type="submit" class="button" disabled={address.trim() === ""} aria-disabled={isBusy}>
            {Texts.person.export}
          </button>
          {isOwner && (
            <button
              type="button"
              class="button bad"
              disabled={address.trim() === ""}
              aria-disabled={isBusy}
              onClick={() => void load((records) => setErasing({ address, counts: PersonRecords.countsOf(records) }))}
            >
              {Texts.person.erase}
            </button>
          )}
          <span class="muted" role="status">
            {text}
          </span>
        </div>
      </form>
      {erasing !== undefined && (
        <ConfirmChange
          operation="POST /v1/owner/sites/:site_id/person/erase"
          input={inputOf(erasing.address)}
          title={Texts.person.confirm(erasing.address.trim())}
          body={Texts.person.confirmBody(erasing.counts)}
          yes={Texts.person.erase}
          onClose={() => setErasing(undefined)}
          onDone={(counts) => {
            forgetAnswers()
            const text = PersonRecords.isNothing(counts) ? Texts.person.none : Texts.person.erased(counts)
            setResult({ address: erasing.address, text })
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
