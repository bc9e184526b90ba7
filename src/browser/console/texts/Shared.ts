/**
 * Texts of shared dashboards.
 *
 * @module
 */
export const shared = {
  title: "Shared statistics",
  unavailable: "This dashboard is no longer shared",
  unavailableBody: "Its address has expired, was revoked, or is incomplete. Ask the website’s owner for another one.",
  note: "To protect visitors, <5 stands for a count from 1 to 4, and other counts are rounded to multiples of 5. Lists leave out what has fewer than five visitors."
} as const
