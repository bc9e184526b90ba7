import { vi } from "vitest"
import * as Nginx from "../../scripts/torture/Nginx.ts"
import { describeWith } from "../support/Programs.ts"
import { suite } from "./ResumeSuite.ts"

// The tests start processes, which takes long on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

describeWith([Nginx], "faults: conversations over two processes behind nginx", () => suite("PostgreSQL"))
