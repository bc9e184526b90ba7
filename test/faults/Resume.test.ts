import { vi } from "vitest"
import { describeWith } from "../support/Programs.ts"
import * as Nginx from "../torture/Nginx.ts"
import { suite } from "./ResumeSuite.ts"

// The tests start processes, which takes long on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

describeWith([Nginx], "faults: conversations over two processes behind nginx", () => suite("PostgreSQL"))
