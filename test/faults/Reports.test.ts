import { describe, vi } from "vitest"
import { suite } from "./ReportsSuite.ts"

// The tests start processes, which takes long on a busy machine.
vi.setConfig({ testTimeout: 180_000 })

describe("faults: reports of two processes", () => suite("PostgreSQL"))
