import { layer } from "../../../src/memory/chat/InstanceDirectory.ts"
import { suite } from "../../suites/InstanceDirectory.ts"

suite("memory/chat/InstanceDirectory", layer())
