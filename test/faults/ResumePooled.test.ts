import { vi } from "vitest"
import { describeWith } from "../support/Programs.ts"
import * as Nginx from "../torture/Nginx.ts"
import * as PgBouncer from "../torture/PgBouncer.ts"
import { suite } from "./ResumeSuite.ts"

// The tests start processes, which takes long on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

describeWith([Nginx, PgBouncer], "faults: conversations over two processes behind nginx and PgBouncer", () =>
  suite("PgBouncer")
)
