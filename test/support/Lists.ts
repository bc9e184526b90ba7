/**
 * Queries for whole lists of keys, sessions and tokens. No test creates more of them.
 *
 * @module
 */
import type { InstanceId } from "../../src/platform/Id.ts"

const first = { after: null, limit: 1_000 } as const

export const everySession = { ...first, sites: "all", reaching: null } as const

export const everyKey = { ...everySession, unrevoked: false } as const

export const everyToken = (instanceId: InstanceId) =>
  ({ ...first, reach: "all", instanceId, unrevoked: false }) as const
