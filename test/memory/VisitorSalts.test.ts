import { layer } from "../../src/memory/VisitorSalts.ts"
import { suite } from "../suites/VisitorSalts.ts"

suite("memory/VisitorSalts", layer)
