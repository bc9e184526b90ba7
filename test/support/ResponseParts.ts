/** Parts of responses that tests read. */

export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The `detail` of an error body. */
export const detailOf = (json: unknown): unknown => (json as { readonly detail?: unknown } | undefined)?.detail
