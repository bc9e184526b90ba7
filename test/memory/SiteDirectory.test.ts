import { layer } from "../../src/memory/SiteDirectory.ts"
import { suite } from "../suites/SiteDirectory.ts"

suite("memory/SiteDirectory", layer())
