/**
 * The outcome of each request as its client saw it, and what the database must contain for it. Pure.
 *
 * @module
 */

/**
 * The outcome of a request.
 *
 * - `acknowledged`: a 204, or a 200 with an id. It must be stored, once.
 * - `refused`: a 4xx. It must not be stored.
 * - `unavailable`: a 5xx. It may be stored, once: a hanging commit may have gone through.
 * - `cut`: the connection broke before the response was complete. It may be stored, once.
 * - `unsent`: the connection was refused. It must not be stored.
 */
export type Outcome = "acknowledged" | "refused" | "unavailable" | "cut" | "unsent"

export interface Entry {
  readonly kind: "view" | "form"
  readonly outcome: Outcome
  readonly status: number | undefined
  /** Milliseconds from the request to the end of its response. */
  readonly millis: number
  /** The id in a form's response. */
  readonly submissionId: string | undefined
}

/** The outcome of each request, by the mark that the request's row contains. */
export type Ledger = Map<string, Entry>

/** A row of the database: its mark, and its id if it has one. */
export interface Row {
  readonly mark: string
  readonly submissionId?: string
}

export interface Account {
  readonly requests: number
  readonly acknowledged: number
  readonly refused: number
  readonly unavailable: number
  readonly cut: number
  readonly unsent: number
  readonly rows: number
  /** Acknowledged and not stored: must be empty. */
  readonly lost: ReadonlyArray<string>
  /** Stored more than once: must be empty. */
  readonly doubled: ReadonlyArray<string>
  /** Stored although refused or never sent: must be empty. */
  readonly unexplained: ReadonlyArray<string>
  /** The longest response time, in milliseconds. */
  readonly slowest: number
  readonly statuses: Readonly<Record<string, number>>
}

/** Compares the outcomes with the stored rows. */
export const reconcile = (ledger: Ledger, rows: ReadonlyArray<Row>): Account => {
  const rowsByMark = new Map<string, Array<Row>>()
  for (const row of rows) {
    const rowsOfMark = rowsByMark.get(row.mark)
    if (rowsOfMark === undefined) rowsByMark.set(row.mark, [row])
    else rowsOfMark.push(row)
  }
  const count: Record<Outcome, number> = { acknowledged: 0, refused: 0, unavailable: 0, cut: 0, unsent: 0 }
  const statuses: Record<string, number> = {}
  const lost: Array<string> = []
  const unexplained: Array<string> = []
  let slowest = 0
  for (const [mark, entry] of ledger) {
    count[entry.outcome]++
    const status = String(entry.status ?? entry.outcome)
    statuses[status] = (statuses[status] ?? 0) + 1
    if (entry.status !== undefined) slowest = Math.max(slowest, entry.millis)
    const stored = rowsByMark.get(mark) ?? []
    if (entry.outcome === "acknowledged") {
      const kept =
        entry.submissionId === undefined
          ? stored.length > 0
          : stored.some(({ submissionId }) => submissionId === entry.submissionId)
      if (!kept) lost.push(mark)
    } else if ((entry.outcome === "refused" || entry.outcome === "unsent") && stored.length > 0) {
      unexplained.push(mark)
    }
  }
  for (const mark of rowsByMark.keys()) if (!ledger.has(mark)) unexplained.push(mark)
  const doubled = [...rowsByMark].filter(([, stored]) => stored.length > 1).map(([mark]) => mark)
  return { requests: ledger.size, ...count, rows: rows.length, lost, doubled, unexplained, slowest, statuses }
}
