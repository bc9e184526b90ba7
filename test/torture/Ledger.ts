/**
 * What a client was told of each thing that it sent, and what the database must hold for it. Pure.
 *
 * @module
 */

/**
 * What became of a request.
 *
 * - `acknowledged`: a 204, or a 200 with an id. It must be stored, once.
 * - `refused`: an answer that says that nothing was stored for good (4xx). It must not be stored.
 * - `unavailable`: a 503. It may be stored, once: what hung may have gone through.
 * - `cut`: the connection broke before the answer was whole. It may be stored, once.
 * - `unsent`: there was no connection to send it on. It must not be stored.
 */
export type Outcome = "acknowledged" | "refused" | "unavailable" | "cut" | "unsent"

export interface Entry {
  readonly kind: "view" | "form"
  readonly outcome: Outcome
  readonly status: number | undefined
  /** Milliseconds from the request to the end of its answer. */
  readonly millis: number
  /** The id that a form's answer gave. */
  readonly submissionId: string | undefined
}

/** Every request by its mark, which it carried into the row that it makes. */
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
  /** Acknowledged and not there: must be none. */
  readonly lost: ReadonlyArray<string>
  /** There more than once: must be none. */
  readonly doubled: ReadonlyArray<string>
  /** There although the client was told that it is not, or although nobody sent it: must be none. */
  readonly unexplained: ReadonlyArray<string>
  /** The longest wait for an answer, in milliseconds. */
  readonly slowest: number
  readonly statuses: Readonly<Record<string, number>>
}

/** Compares what clients were told with what is stored. */
export const reconcile = (ledger: Ledger, rows: ReadonlyArray<Row>): Account => {
  const seen = new Map<string, Array<Row>>()
  for (const row of rows) {
    const same = seen.get(row.mark)
    if (same === undefined) seen.set(row.mark, [row])
    else same.push(row)
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
    const stored = seen.get(mark) ?? []
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
  for (const mark of seen.keys()) if (!ledger.has(mark)) unexplained.push(mark)
  const doubled = [...seen].filter(([, same]) => same.length > 1).map(([mark]) => mark)
  return { requests: ledger.size, ...count, rows: rows.length, lost, doubled, unexplained, slowest, statuses }
}
