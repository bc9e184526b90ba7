import { vi } from "vitest"
import * as Nginx from "../../scripts/torture/Nginx.ts"
import * as PgBouncer from "../../scripts/torture/PgBouncer.ts"
import { describeWith } from "../support/Programs.ts"
import { suite } from "./ResumeSuite.ts"

// The tests start processes, which takes long on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

describeWith([Nginx, PgBouncer], "faults: conversations over two processes behind nginx and PgBouncer", () =>
  suite("PgBouncer")
)
