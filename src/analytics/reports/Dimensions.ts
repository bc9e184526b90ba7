/**
 * The dimensions of reports, one row each. The query's types, the filters, the contract, the SQL of both stores, shared
 * dashboards and the console are made from these rows. A new dimension of visits is a row here and a column of page views and
 * visits. Pure, and without imports: the console loads it too.
 *
 * @module
 */

/** Stands for the absent value of a dimension. */
export const notSet = "(not set)"

/** The source of a visit that has neither a `utm_source` nor a referrer, and the referrer of a visit that has none. */
export const direct = "Direct / None"

export interface Row {
  /** The name in the console's addresses. */
  readonly parameter: string
  /** The console's words for a value of it. */
  readonly title: string
  /** The title of its tab in the lists of the console's overview; absent if it has none. */
  readonly tab?: string
  /** Whether shared dashboards show it. They show none that could identify a person. */
  readonly isShared: boolean
}

export interface VisitRow extends Row {
  /** The column of a visit that has the value, or a name for what a store computes from columns. */
  readonly column: string
  /**
   * The row of a visit whose value the visit copies: its first page view (`landing`), or that and for a visit without a page
   * view its first event (`client`). `visit`: the value is computed.
   */
  readonly from: "landing" | "client" | "visit"
  /** The value if the column is empty. */
  readonly absent: string
}

const landing = { from: "landing", absent: notSet, isShared: false } as const
const client = { from: "client", absent: notSet, isShared: true } as const
const computed = { from: "visit", absent: notSet, isShared: true } as const

/** Dimensions of a fact of a visit: a page view, an event or a conversion. */
export const ofEvents = {
  "event:page": { parameter: "page", title: "Page", tab: "Pages", isShared: true },
  "event:name": { parameter: "event", title: "Event", tab: "Events", isShared: true },
  "event:goal": { parameter: "goal", title: "Goal", tab: "Goals", isShared: true }
} as const satisfies Readonly<Record<string, Row>>

/** Dimensions of a whole visit. */
export const ofVisits = {
  "visit:entry_page": {
    ...computed,
    column: "entry_page",
    parameter: "entry_page",
    title: "Entry page",
    tab: "Entry"
  },
  "visit:exit_page": { ...computed, column: "exit_page", parameter: "exit_page", title: "Exit page", tab: "Exit" },
  "visit:source": {
    ...computed,
    absent: direct,
    column: "source_name",
    parameter: "source",
    title: "Source",
    tab: "Sources"
  },
  "visit:referrer": {
    ...computed,
    absent: direct,
    column: "referrer",
    parameter: "referrer",
    title: "Referrer",
    isShared: false
  },
  "visit:channel": { ...computed, column: "channel", parameter: "channel", title: "Channel", tab: "Channels" },
  "visit:utm_source": { ...landing, column: "utm_source", parameter: "utm_source", title: "Campaign source" },
  "visit:utm_medium": { ...landing, column: "utm_medium", parameter: "utm_medium", title: "Campaign medium" },
  "visit:utm_campaign": {
    ...landing,
    column: "utm_campaign",
    parameter: "utm_campaign",
    title: "Campaign",
    tab: "Campaigns",
    isShared: true
  },
  "visit:utm_term": { ...landing, column: "utm_term", parameter: "utm_term", title: "Campaign term" },
  "visit:utm_content": { ...landing, column: "utm_content", parameter: "utm_content", title: "Campaign content" },
  "visit:device": { ...client, column: "device_type", parameter: "device", title: "Device", tab: "Devices" },
  "visit:browser": { ...client, column: "browser", parameter: "browser", title: "Browser", tab: "Browsers" },
  "visit:os": { ...client, column: "os", parameter: "os", title: "System", tab: "Systems" },
  "visit:country": { ...client, column: "country", parameter: "country", title: "Country", tab: "Countries" }
} as const satisfies Readonly<Record<string, VisitRow>>

export type EventName = keyof typeof ofEvents
export type VisitName = keyof typeof ofVisits

type Rows = typeof ofEvents & typeof ofVisits

/** The dimensions of which the console shows a list. */
export type Tabbed = {
  readonly [Name in keyof Rows]: Rows[Name] extends { readonly tab: string } ? Name : never
}[keyof Rows]

/** The column of a dimension of visits. */
export type Column = (typeof ofVisits)[VisitName]["column"]

export const eventNames = Object.keys(ofEvents) as ReadonlyArray<EventName>
export const visitNames = Object.keys(ofVisits) as ReadonlyArray<VisitName>

const visitRows = Object.values(ofVisits)

/** The columns that a visit copies from its first page view. The referrer's are those of `visit:referrer`. */
export const landingColumns = [
  ...visitRows.flatMap((row) => (row.from === "landing" ? [row.column] : [])),
  ...(["referrer_host", "referrer_path"] as const)
]

/** The columns that a visit copies from its first page view, else from its first event. */
export const clientColumns = visitRows.flatMap((row) => (row.from === "client" ? [row.column] : []))

/** What is computed of a visit. */
export type ComputedColumn = Extract<(typeof visitRows)[number], { readonly from: "visit" }>["column"]

/** All rows by the dimension's name. */
export const all: Readonly<Record<EventName | VisitName, Row>> = { ...ofEvents, ...ofVisits }
