import { layer } from "../../../src/analytics/memory/VisitorSalts.ts"
import { suite } from "../../suites/VisitorSalts.ts"

suite("analytics/memory/VisitorSalts", layer)
