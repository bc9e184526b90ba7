import { layer } from "../../src/memory/InstanceDirectory.ts"
import { suite } from "../suites/InstanceDirectory.ts"

suite("memory/InstanceDirectory", layer())
