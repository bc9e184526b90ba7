import { layer } from "../../../src/memory/sites/SiteDirectory.ts"
import { suite } from "../../suites/SiteDirectory.ts"

suite("memory/sites/SiteDirectory", layer())
