import { layerMemory } from "../../src/sites/SiteDirectory.ts"
import { suite } from "../suites/SiteDirectory.ts"

suite("sites/SiteDirectory: memory", layerMemory())
