/**
 * The values that the examples of the owner API's document share.
 *
 * @module
 */

export const siteId = "0f8fad5b-d9cb-469f-a165-70867728950e"

export const id = "6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11"

export const time = "2026-11-25T09:00:00.000Z"
