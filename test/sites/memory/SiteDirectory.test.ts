import { layer } from "../../../src/sites/memory/SiteDirectory.ts"
import { suite } from "../../suites/SiteDirectory.ts"

suite("sites/memory/SiteDirectory", layer())
