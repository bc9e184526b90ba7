/**
 * The fields of a website, which are its name, its time zone and its origins; and the dialog that creates one.
 *
 * @module
 */
import { useState } from "preact/hooks"
import * as Address from "../Address.ts"
import { go } from "../Location.ts"
import { useChange } from "../parts/Change.ts"
import type { Choice, matching } from "../parts/Choices.ts"
import type { Failure } from "../Requests.ts"
import * as Texts from "../texts/SetUp.ts"
import { FormDialog } from "./Dialogs.tsx"
import { ChoiceField, TextField, useFields } from "./Fields.tsx"
import * as Lines from "./Lines.ts"
import * as TimeZones from "./TimeZones.ts"

/** The difference of a time zone from UTC at a time, such as `UTC+05:30`. */
const offsetOf = (zone: string, time: number): string =>
  new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" })
    .formatToParts(time)
    .find(({ type }) => type === "timeZoneName")
    ?.value.replace("GMT", "UTC") ?? ""

let known: ReadonlyArray<Choice<string>> | undefined
let compared: ReadonlyArray<Choice<string>> | undefined
let described: ReadonlyArray<Choice<string>> | undefined

const zones = (): ReadonlyArray<Choice<string>> => {
  known ??= TimeZones.all().map((zone) => [zone, zone.replaceAll("_", " ")])
  return known
}

/** The same, with their present differences from UTC as notes. This takes a desktop a tenth of a second of its processor. */
const comparedZones = (): ReadonlyArray<Choice<string>> => {
  const now = Date.now()
  compared ??= zones().map(([zone, label]) => [zone, label, offsetOf(zone, now)])
  return compared
}

/** The same, with what else finds them. It is not needed to open the list. */
const describedZones = (): ReadonlyArray<Choice<string>> => {
  if (described === undefined) {
    const termsOf = TimeZones.terms()
    described = comparedZones().map(([zone, label, note = ""]) => [zone, label, note, termsOf(zone)])
  }
  return described
}

const find: typeof matching = (all, typed) => TimeZones.found(all, typed, TimeZones.own())

const choices = { closed: zones, opened: comparedZones, searched: describedZones }

interface Details {
  readonly name: string
  readonly time_zone: string
  readonly origins: ReadonlyArray<string>
}

/**
 * The fields of a website, and the body of the request that they fill. They begin with `details`.
 *
 * @param isNew whether the website has no statistics yet, which another time zone would change
 */
export const useSiteFields = (
  { name, origins: before, time_zone }: Details,
  { failure, isNew = false }: { readonly failure: Failure | undefined; readonly isNew?: boolean }
) => {
  const [zoneList, setZoneList] = useState<keyof typeof choices>("closed")
  const { choice, lines, message, text, values } = useFields({ name, time_zone, origins: before.join("\n") }, failure)
  const origins = Lines.parseOrigins(values.origins)
  return {
    message,
    body: { ...values, origins },
    /** Shows the origins as they are sent. */
    showOrigins: () => text("origins").onInput(origins.join("\n")),
    fields: (
      <>
        <TextField label={Texts.website.name} {...text("name")} />
        <ChoiceField
          label={Texts.website.timeZone}
          hint={isNew || values.time_zone === time_zone ? Texts.website.timeZoneHint : Texts.website.timeZoneChange}
          choices={choices[zoneList]()}
          onSearch={(search) => setZoneList(search === "" ? "opened" : "searched")}
          find={find}
          noMatch={Texts.website.noTimeZone}
          {...choice("time_zone")}
        />
        <TextField
          label={Texts.optional(Texts.website.origins)}
          hint={Texts.website.originsHint}
          placeholder="https://www.example.com"
          rows={3}
          {...lines("origins")}
        />
      </>
    )
  }
}

/** Opens the snippets of the new website. */
const openSite = (siteId: string) => go({ ...Address.initial, site: siteId, page: "setup", item: "install" })

/** Creates a website. */
export const NewSite = ({ onClose }: { readonly onClose: () => void }) => {
  const change = useChange("POST /v1/owner/sites")
  const { body, fields, message } = useSiteFields(
    { name: "", time_zone: TimeZones.own(), origins: [] },
    { failure: change.failure, isNew: true }
  )
  return (
    <FormDialog
      title={Texts.newSite.title}
      submit={Texts.create}
      isBusy={change.isBusy}
      message={message}
      onClose={onClose}
      onSubmit={() =>
        change.run({ body }, ({ site_id }) => {
          onClose()
          openSite(site_id)
        })
      }
    >
      {fields}
    </FormDialog>
  )
}
