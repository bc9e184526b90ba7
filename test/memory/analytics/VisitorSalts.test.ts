import { layer } from "../../../src/memory/analytics/VisitorSalts.ts"
import { suite } from "../../suites/VisitorSalts.ts"

suite("memory/analytics/VisitorSalts", layer)
