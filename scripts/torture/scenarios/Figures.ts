/**
 * The figures of a scenario's row in the table, and the assertions that all scenarios share.
 *
 * @module
 */
import assert from "node:assert/strict"
import type { Account } from "../Ledger.ts"

/** The figures of a scenario, in display order. */
export type Figures = Readonly<Record<string, string | number>>

/** A figure without decimals. */
export const rounded = (figure: number): number => Math.round(figure)

/**
 * Asserts that nothing acknowledged is lost, nothing is doubled and nothing refused is stored, and returns the figures. Rows
 * beyond the acknowledged ones belong to requests with an unknown outcome (a cut response or a 5xx).
 */
export const checkAccount = (account: Account) => {
  assert.deepEqual(account.lost, [], "acknowledged and lost")
  assert.deepEqual(account.doubled, [], "stored more than once")
  assert.deepEqual(account.unexplained, [], "stored and not acknowledged")
  assert.ok(account.rows >= account.acknowledged)
  assert.ok(account.rows <= account.acknowledged + account.cut + account.unavailable)
  return {
    requests: account.requests - account.unsent,
    acknowledged: account.acknowledged,
    rows: account.rows,
    lost: account.lost.length,
    doubled: account.doubled.length,
    "cut off": account.cut,
    "503": account.unavailable,
    "slowest ms": rounded(account.slowest)
  } satisfies Figures
}
