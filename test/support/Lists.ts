/**
 * Queries for whole lists of keys, sessions and tokens. No test creates more of them.
 *
 * @module
 */
const first = { after: null, limit: 1_000 } as const

export const everySession = { ...first, sites: "all", reaching: null } as const

export const everyKey = { ...everySession, unrevoked: false } as const

export const everyToken = (instanceId: string) => ({ ...first, instanceId, unrevoked: false })
