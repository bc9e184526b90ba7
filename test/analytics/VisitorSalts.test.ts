import { layerMemory } from "../../src/analytics/VisitorSalts.ts"
import { suite } from "../suites/VisitorSalts.ts"

suite("analytics/VisitorSalts", layerMemory)
