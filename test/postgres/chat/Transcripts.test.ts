import { suite } from "../../suites/Transcripts.ts"
import { postgres } from "../../support/Storages.ts"

suite("postgres/chat/Transcripts", postgres())
