import { vi } from "vitest"
import { describeWith } from "../support/Programs.ts"
import * as PgBouncer from "../torture/PgBouncer.ts"
import { suite } from "./ReportsSuite.ts"

// The tests start processes, which takes long on a busy machine.
vi.setConfig({ testTimeout: 180_000 })

describeWith([PgBouncer], "faults: reports of two processes behind PgBouncer", () => suite("PgBouncer"))
