import { layer } from "../../../src/chat/memory/InstanceDirectory.ts"
import { suite } from "../../suites/InstanceDirectory.ts"

suite("chat/memory/InstanceDirectory", layer())
