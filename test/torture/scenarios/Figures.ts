/**
 * What a scenario says of itself in the table, and the demands that all scenarios share.
 *
 * @module
 */
import assert from "node:assert/strict"
import type { Account } from "../Ledger.ts"

/** The figures of a scenario, in the order in which they are shown. */
export type Figures = Readonly<Record<string, string | number>>

/** Whole milliseconds. */
export const whole = (millis: number): number => Math.round(millis)

/**
 * Nothing that was acknowledged is lost, nothing is doubled, nothing is there that was refused; and what is there beyond the
 * acknowledged is there for requests whose answer was cut off or said that it is not known.
 */
export const demandWhole = (account: Account) => {
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
    "slowest ms": whole(account.slowest)
  } satisfies Figures
}
